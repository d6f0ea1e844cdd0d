export { podSecurityPlugin } from './pod-security.ts';
export { PodSecurityConfigurationError, type PodSecurityConfiguration } from './configuration.ts';
