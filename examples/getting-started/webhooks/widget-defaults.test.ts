import { admit } from 'sallyport/testing';
import { expect, it } from 'vitest';
import { widgetDefaults } from './widget-defaults.ts';

const widget = (spec?: object) => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'gear' }, spec });

it('widget-defaults fills in what is missing and keeps what no type knows', async () => {
  const { object, patch } = await admit(widgetDefaults, widget({ colour: 'blue', size: 'large' }));
  expect(object.spec).toEqual({ colour: 'blue', size: 'large', replicas: 3 });
  expect(patch).toEqual([{ op: 'add', path: '/spec/replicas', value: 3 }]);
});
