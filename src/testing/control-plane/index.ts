export { ControlPlane } from './control-plane.ts';
export type { ControlPlaneOptions } from './options.ts';
export type { ControlPlaneUser } from './credentials.ts';
export type { CommandOptions, CommandResult } from './command.ts';
export { ControlPlaneBinariesError, ControlPlaneStartError } from './errors.ts';
