export type { RepositoryAccess } from '../repository/access.ts';
