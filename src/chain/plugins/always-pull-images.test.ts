import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { validated, type AdmissionPlugin } from '../plugin.ts';
import { alwaysPullImagesPlugin } from './always-pull-images.ts';

const pod = (spec: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
const container = (image: string, imagePullPolicy?: string): JsonObject => ({
  ...{ name: 'web', image },
  ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
});
const imageVolume = (pullPolicy?: string): JsonObject => ({
  name: 'v',
  image: { reference: 'data:1', ...(pullPolicy === undefined ? {} : { pullPolicy }) },
});
/** The plug-in as it is after a webhook has changed the object behind its back: without the mutating walk. */
const validatingOnly: AdmissionPlugin = {
  name: alwaysPullImagesPlugin.name,
  handles: () => true,
  validate: (attributes, context) => alwaysPullImagesPlugin.validate?.(attributes, context) ?? validated,
};

describe('alwaysPullImagesPlugin', () => {
  test('sets the policy of every container and image volume', async () => {
    const object = pod({
      initContainers: [container('init:1')],
      containers: [container('web:1', 'Never'), container('side:1', 'Always')],
      ephemeralContainers: [container('debug:1')],
      volumes: [imageVolume('IfNotPresent'), { name: 'empty', emptyDir: {} }],
    });
    const outcome = await runPlugin(alwaysPullImagesPlugin, { object });
    expect(outcome.object).toEqual(
      pod({
        initContainers: [container('init:1', 'Always')],
        containers: [container('web:1', 'Always'), container('side:1', 'Always')],
        ephemeralContainers: [container('debug:1', 'Always')],
        volumes: [imageVolume('Always'), { name: 'empty', emptyDir: {} }],
      }),
    );
    expect(outcome.allowed).toBe(true);
  });

  test('leaves an update without new images alone', async () => {
    const [object, oldObject] = [pod({ containers: [container('web:1')] }), pod({ containers: [container('web:1')] })];
    expect(summaryOf(await runPlugin(alwaysPullImagesPlugin, { object, oldObject }), object)).toBe('unchanged');
    const renewed = pod({ containers: [container('web:2')] });
    const outcome = await runPlugin(alwaysPullImagesPlugin, { object: renewed, oldObject });
    expect(outcome.object).toEqual(pod({ containers: [container('web:2', 'Always')] }));
  });

  test('leaves subresources and what is no Pod alone', async () => {
    const object = pod({ containers: [container('web:1')] });
    const request = { object, oldObject: object, subresource: 'ephemeralcontainers' };
    expect(summaryOf(await runPlugin(alwaysPullImagesPlugin, request), object)).toBe('unchanged');
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: {} };
    expect(summaryOf(await runPlugin(alwaysPullImagesPlugin, { object: job }), job)).toBe('unchanged');
  });

  const prefix = 'pods "web" is forbidden: spec.';
  const unsupported = (field: string, policy: string) =>
    `${prefix}${field}: Unsupported value: "${policy}": supported values: "Always"`;
  test.each([
    [
      'another policy',
      pod({ containers: [container('web', 'Never')] }),
      unsupported('containers[0].imagePullPolicy', 'Never'),
    ],
    [
      'the default of a tag',
      pod({ containers: [container('r:5000/web:1')] }),
      unsupported('containers[0].imagePullPolicy', 'IfNotPresent'),
    ],
    [
      'the default of a digest',
      pod({ containers: [container('web@sha256:0')] }),
      unsupported('containers[0].imagePullPolicy', 'IfNotPresent'),
    ],
    [
      'several',
      pod({ containers: [container('web', 'Never')], volumes: [imageVolume()] }),
      `[${unsupported('containers[0].imagePullPolicy', 'Never')}, ${unsupported('volumes[0].image.pullPolicy', 'IfNotPresent')}]`,
    ],
  ])('refuses %s in the validating walk', async (_, object, message) => {
    expect(summaryOf(await runPlugin(validatingOnly, { object }), object)).toBe(`500 : ${message}`);
  });

  test.each(['web', 'web:latest', 'r:5000/web', 'r:5000/web:latest'])(
    'knows that %s is pulled always',
    async (image) => {
      const object = pod({ containers: [container(image)] });
      expect(summaryOf(await runPlugin(validatingOnly, { object }), object)).toBe('unchanged');
    },
  );
});
