/** Numbers of names: traits, versions of models, and lists share one range, dense from 0. */

/** The number that the next name gets. */
export const NEXT_NAME_NO = `(SELECT coalesce(max(name_no) + 1, 0) FROM (
  SELECT name_no FROM trait_name UNION ALL SELECT name_no FROM model_version UNION ALL SELECT name_no FROM list))`;
