/** A rule that is not what it promises. */
export default () => 'same@example.invalid';
