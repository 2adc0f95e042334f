/** The written form of a length of time. */
import { Type } from 'typebox';

function window(title: string, description: string) {
  return Type.String({
    title,
    description: `${description} A whole number above 0 and a unit, s, m, h, d or w, at most 36525d.`,
    examples: ['30d', '12h', '4w'],
    pattern: '^0*[1-9][0-9]{0,11}(s|m|h|d|w)$',
  });
}

/** A window such as `30d`. For the parameters of segment types. */
export const WindowSchema = window('Window', 'How far back to look.');

/** A window whose description says what it bounds. */
export const windowSchema = (description: string) => window('Window', description);
