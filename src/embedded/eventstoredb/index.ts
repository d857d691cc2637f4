export { start, StartError, type StartedServer, type StartOptions } from './start';
