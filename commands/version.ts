/** The version of this program, as reports and statements tell it. */
export async function versionOf(): Promise<string> {
  const { default: packageJson } = await import('../package.json', { with: { type: 'json' } });
  return packageJson.version;
}
