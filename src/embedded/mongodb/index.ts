export { start, type StartOptions, type Started } from './start';
