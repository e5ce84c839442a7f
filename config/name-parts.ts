/**
 * `app.documents.path` → its parts. One with a dot, or quotes, stands in double quotes, as in SQL; but nothing is folded to
 * lower case.
 *
 * @returns undefined when it is nothing of the kind
 */
export function nameParts(value: string): string[] | undefined {
  if (value.includes('\0') || !/^(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+))*$/.test(value))
    return undefined;
  return [...value.matchAll(/"((?:[^"]|"")+)"|([^".]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
  );
}
