/** Text as XML and HTML can hold it. */

/** What XML 1.0 cannot hold at all, also not as an entity. Halves of surrogate pairs among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const notInXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu;

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Safe between tags and within quotes, in XML and in HTML. Control characters become their pictures or U+FFFD, and those
 * that turn the direction of writing around are shown as what they are: a name must not look like another.
 */
export function escaped(text: string): string {
  return text
    .replace(notInXml, (char) => (char < ' ' ? String.fromCharCode(0x2400 + char.charCodeAt(0)) : '\ufffd'))
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`)
    .replace(/[&<>"']/g, (char) => entities[char]!);
}

/** The same for an attribute of XML, where line breaks would become spaces. */
export function escapedAttribute(text: string): string {
  return escaped(text).replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}
