// The params of a scene's request.

/** @import { Params } from "../shared/types.d.ts" */

/**
 * A copy of params with a value at a path such as "samples" or "z.3".
 *
 * @param {Params} params
 * @param {string} path
 * @param {unknown} value
 * @returns {Params}
 */
export function withParam(params, path, value) {
  const [head, ...rest] = path.split(".");
  const inner = /** @type {Params} */ (params[head] ?? {});
  const next = rest.length ? withParam(inner, rest.join("."), value) : value;
  if (!Array.isArray(params)) return { ...params, [head]: next };
  return Object.assign([...params], { [head]: next });
}

/** Those of the params that a scene takes. @param {Params} params @param {string[]} fields @returns {Params} */
export function pickParams(params, fields) {
  return Object.fromEntries(fields.filter((field) => field in params).map((field) => [field, params[field]]));
}
