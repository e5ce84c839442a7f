/** A rule as people write one: keyed where it matters, and in the words of the row. */
export default (value, { pseudonym, row }) => {
  if (value.includes('THROW')) throw new Error(`cannot do ${value}`);
  if (value.includes('OBJECT')) return { value };
  if (value.includes('LONG')) return value.repeat(1000);
  return `${row.id === null ? 'nobody' : 'somebody'}-${pseudonym(value, 20)}`;
};
