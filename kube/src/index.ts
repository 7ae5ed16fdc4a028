export { KubeClient, type KubeObject, type ObjectList, type Query, type Resource } from './client.ts';
export { KubeConfigError, loadKubeConfig } from './config.ts';
export { type Access, Connection } from './connection.ts';
export { ApiError, apiErrorOf, isStatus } from './error.ts';
export { Informer } from './informer.ts';
export { forNobody, type WaitListener, waitingFor } from './waiting.ts';
