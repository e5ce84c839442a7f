/**
 * Lies in a restore's target from its beginning until all is done. A tree that holds it is not complete, and neither is a
 * backup of it.
 */
export const markerName = '.holdfast-restore-incomplete';

export const markerText =
  'Holdfast is restoring into this directory, or was interrupted while it did. What lies here is not complete.\n' +
  'This file is removed when the restore has ended.\n';
