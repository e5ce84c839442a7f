/** What Holdfast writes beside an object. Nothing that is secret, and nothing that is needed: copies may lack it. */

/**
 * User metadata that names the create() which stored an object. When the answer to a PUT is lost, the next attempt
 * finds that the object exists, and this tells whether it is its own: bytes cannot, two creators may have equal ones.
 */
export const creatorKey = 'holdfast-create';
/** User metadata with the size in bytes, by which a reader sees that a server or proxy gives less than there is. */
export const sizeKey = 'holdfast-size';
