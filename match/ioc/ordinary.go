package ioc

import "strings"

// Programs, files and folders that every system has. By themselves they say nothing; together with something else they may.
var (
	ordinaryNames = setOf("cmd.exe powershell.exe pwsh.exe rundll32.exe regsvr32.exe svchost.exe explorer.exe lsass.exe services.exe winlogon.exe csrss.exe smss.exe wininit.exe conhost.exe dllhost.exe " +
		"taskhost.exe taskhostw.exe spoolsv.exe wscript.exe cscript.exe mshta.exe msiexec.exe schtasks.exe reg.exe net.exe net1.exe sc.exe wmic.exe iexplore.exe msedge.exe chrome.exe firefox.exe " +
		"winword.exe excel.exe powerpnt.exe outlook.exe notepad.exe calc.exe ntdll.dll kernel32.dll user32.dll advapi32.dll ws2_32.dll wininet.dll version.dll ntoskrnl.exe system " +
		"index.html index.htm index.php index.asp index.aspx index.jsp default.aspx default.asp default.htm readme.txt readme.md license.txt robots.txt favicon.ico setup.exe install.exe update.exe " +
		"java.exe javaw.exe python.exe bash curl wget ssh sshd sudo cron systemd")
	ordinaryKeys = setOf(`software\microsoft software\microsoft\windows software\microsoft\windowsnt software\microsoft\windows\currentversion software\microsoft\windowsnt\currentversion software\microsoft\office
		software\microsoft\windows\currentversion\run software\microsoft\windows\currentversion\runonce software\microsoft\windows\currentversion\policies software\microsoft\windows\currentversion\explorer
		system\currentcontrolset system\currentcontrolset\services system\currentcontrolset\control software\classes software\classes\clsid software\policies`)
	ordinaryFolders = []string{`c:\windows`, `c:\windows\system32`, `c:\windows\syswow64`, `c:\windows\temp`, `c:\program files`, `c:\program files (x86)`, `c:\programdata`, `c:\users`, `c:\users\public`, `c:\users\default`, `c:`,
		`\appdata\local`, `\appdata\roaming`, `\appdata\local\temp`, `\windows`, `\system32`, `\syswow64`, `\temp`, `\tmp`, `/tmp`, `/var/tmp`, `/var/log`, `/usr/bin`, `/usr/sbin`, `/usr/lib`, `/usr/local/bin`, `/bin`, `/sbin`, `/etc`, `/home`,
		`/root`, `/var`, `/usr`, `/opt`, `/dev`, `/proc`, `/dev/null`, `/dev/shm`, `/bin/sh`, `/bin/bash`, `/usr/bin/env`, `/etc/passwd`, `/library/launchagents`, `/library/launchdaemons`, `/data/local/tmp`, `/private/var/tmp`, `/index.php`, `/index.html`}
)

// ordinary says whether a term names something that every system has.
func (t Term) ordinary() bool {
	switch t.Kind {
	case FileName, Process:
		return ordinaryNames[t.Value]
	case Registry:
		_, key, _ := strings.Cut(t.Value, `\`)
		return ordinaryKeys[strings.ReplaceAll(key, " ", "")]
	case FilePath, Directory:
		v := strings.TrimRight(t.Value, `\/`)
		for _, f := range ordinaryFolders {
			if v == f {
				return true
			}
		}
		if strings.HasPrefix(v, `\`) && strings.Count(v, `\`) == 1 && !strings.Contains(v, ".") {
			return true // one folder, wherever it is
		}
		if at := strings.LastIndexAny(v, `\/`); at >= 0 && ordinaryNames[v[at+1:]] {
			switch dir := v[:at]; dir {
			case `c:\windows`, `c:\windows\system32`, `c:\windows\syswow64`, `\windows`, `\system32`, `\syswow64`, `\sysnative`, `\windows\system32`, `/usr/bin`, `/bin`, `/usr/sbin`, "":
				return true
			}
		}
	}
	return false
}
