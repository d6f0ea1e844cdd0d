import { PeprModule } from 'pepr';
import manifest from './package.json';
import { Pods } from './capabilities/pods';

new PeprModule(manifest, [Pods]);
