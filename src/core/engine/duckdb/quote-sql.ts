/** Texts and names as SQL has them between quotes. */

/** Text as SQL has it between quotes. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
/** A name as SQL has it. */
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
