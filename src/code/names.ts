/**
 * Why an archive cannot hold a file of this name, as the rest of the sentence "holds NAME, …"; `undefined` when it can. Node puts
 * U+FFFD where a name is not UTF-8: the file cannot even be opened by that name.
 */
export function nameFault(name: string): string | undefined {
  if (name.includes('\uFFFD')) return 'whose name is not UTF-8';
  if (name.includes('\\')) return 'whose backslash some tools unpack as a folder';
  if (/^[a-z]:/i.test(name)) return 'whose beginning some tools take for a drive';
  if (/\p{Cc}/u.test(name)) return 'whose control character readers of archives disagree about';
  if (name.split('/').some((segment) => segment === '' || segment === '.'))
    return 'whose empty or `.` part lets two names mean one file';
  return undefined;
}
