import { describe, expect, it } from 'vitest';
import { enabledPlugins, InvalidPluginFlagsError, orderPlugins, pluginOrder, type AdmissionPlugin } from './index.ts';

const plugin = (name: string): AdmissionPlugin => ({ name, handles: () => true });

describe('enabledPlugins()', () => {
  it('are those of kube-apiserver --help, in its order', () => {
    // From `kube-apiserver --help` of v1.37.2: "in addition to default enabled ones (…)".
    expect(enabledPlugins()).toEqual(
      'NamespaceLifecycle, LimitRanger, ServiceAccount, TaintNodesByCondition, PodSecurity, Priority, DefaultTolerationSeconds, DefaultStorageClass, StorageObjectInUseProtection, PodGroupProtection, PersistentVolumeClaimResize, RuntimeClass, CertificateApproval, CertificateSigning, ClusterTrustBundleAttest, CertificateSubjectRestriction, DefaultIngressClass, PodTopologyLabels, NodeDeclaredFeatureValidator, PodResizeValidator, MutatingAdmissionPolicy, MutatingAdmissionWebhook, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook, ResourceQuota'.split(
        ', ',
      ),
    );
  });

  it('put what is enabled into its place, whatever the order of the flag', () => {
    const names = enabledPlugins({
      enable: ['AlwaysDeny', 'AlwaysAdmit'],
      disable: ['ResourceQuota', 'NamespaceLifecycle'],
    });
    expect([names.at(0), names.at(1), names.at(-1), names.at(-2)]).toEqual([
      'AlwaysAdmit',
      'LimitRanger',
      'AlwaysDeny',
      'ValidatingAdmissionWebhook',
    ]);
  });

  it.each([
    [{ enable: ['Nope'] }, 'enable-admission-plugins plugin "Nope" is unknown'],
    [{ disable: ['Nope'] }, 'disable-admission-plugins plugin "Nope" is unknown'],
    [
      { enable: ['PodSecurity', 'AlwaysDeny'], disable: ['AlwaysDeny', 'PodSecurity'] },
      '[AlwaysDeny PodSecurity] in enable-admission-plugins and disable-admission-plugins overlapped',
    ],
  ])('of %j are refused', (flags, problem) => {
    expect(() => enabledPlugins(flags)).toThrow(new InvalidPluginFlagsError([problem]));
  });
});

describe('orderPlugins()', () => {
  it('keeps the places of plug-ins it was not given', () => {
    const chain = orderPlugins([plugin('ResourceQuota'), plugin('LimitRanger')]);
    expect(chain.map(({ name }) => name)).toEqual(enabledPlugins());
    expect(chain.filter((entry) => !('notSimulated' in entry)).map(({ name }) => name)).toEqual([
      'LimitRanger',
      'ResourceQuota',
    ]);
  });

  it('leaves out what is not enabled', () => {
    expect(orderPlugins([plugin('AlwaysDeny')]).some(({ name }) => name === 'AlwaysDeny')).toBe(false);
  });

  it.each([
    [['Nope'], 'plugin "Nope" is unknown'],
    [['LimitRanger', 'LimitRanger'], 'plugin "LimitRanger" was given twice'],
  ])('refuses %j', (names, problem) => {
    expect(() => orderPlugins(names.map(plugin))).toThrow(problem);
  });
});

it('pluginOrder has each name once', () => {
  expect(new Set(pluginOrder.map(({ name }) => name)).size).toBe(pluginOrder.length);
});
