/** The refusal to put a version of a model in force that has no scores. */
import { CoterieError } from '../../model/error.ts';

export function versionNotFound(model: string, version: string): CoterieError {
  return new CoterieError(
    'MODEL_VERSION_NOT_FOUND',
    `model "${model}" has no scores of version "${version}"`,
    {
      model,
      version,
    },
  );
}
