export { silentLogger, type LogFacts, type Logger } from './logger.ts';
export { systemClock, type Clock } from './clock.ts';
