export type { Access } from './access.ts';
export { KubeClient, type Resource } from './client.ts';
export { KubeConfigError, loadKubeConfig } from './config.ts';
export { type Call, Connection, type Query } from './connection.ts';
export { ApiError, apiErrorOf, isStatus } from './error.ts';
export { Informer } from './informer.ts';
export { ListWatch, type WatchEvent } from './list-watch.ts';
export type { KubeObject, ObjectList } from './objects.ts';
export { forNobody, type WaitListener, waitingFor } from './waiting.ts';
