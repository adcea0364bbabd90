package trail

import "strings"

// What is known of Windows and Unix, as opposed to learnt from the evidence. Everything a walk must not follow merely because all
// machines have it stands here.

// residents are programs that run all the time and are the parent, child or correspondent of everything. What they do is followed only
// where a rarer reason joins it.
var residents = set("system services.exe svchost.exe lsass.exe lsaiso.exe wininit.exe winlogon.exe csrss.exe smss.exe explorer.exe userinit.exe wmiprvse.exe taskeng.exe taskhostw.exe taskhost.exe dllhost.exe runtimebroker.exe sihost.exe " +
	"spoolsv.exe dwm.exe conhost.exe fontdrvhost.exe logonui.exe searchindexer.exe msmpeng.exe mssense.exe trustedinstaller.exe tiworker.exe sppsvc.exe audiodg.exe registry rdpclip.exe wsmprovhost.exe sysmon.exe sysmon64.exe ctfmon.exe " +
	"shellexperiencehost.exe startmenuexperiencehost.exe applicationframehost.exe backgroundtaskhost.exe searchapp.exe searchui.exe smartscreen.exe securityhealthservice.exe vmtoolsd.exe msdtc.exe dfsrs.exe dns.exe ntfrs.exe ismserv.exe " +
	"systemd init sshd cron crond dbus-daemon sudo su login bash-login")

// servers answer requests of many. One of their effects says nothing of another, unless it is something they never do.
var servers = set(remoteToolNames + " w3wp.exe httpd.exe apache.exe nginx.exe tomcat.exe tomcat8.exe tomcat9.exe java.exe javaw.exe php-cgi.exe php-fpm php.exe node.exe iisexpress.exe sqlservr.exe sqlagent.exe oracle.exe mysqld.exe postgres.exe " +
	"microsoft.exchange.worker.exe umworkerprocess.exe edgetransport.exe coldfusion.exe beasvc.exe nginx httpd apache2 java node php-fpm mysqld postgres named exim4 sendmail master")

// remoteTools are programs by which supporters and suppliers act on a host from afar. Like servers they do what strangers to the host say.
var remoteTools = set(remoteToolNames)

const remoteToolNames = "screenconnect.clientservice.exe screenconnect.windowsclient.exe teamviewer_service.exe teamviewer.exe anydesk.exe ateraagent.exe splashtopremote.exe srservice.exe ltsvc.exe bomgar-scc.exe rutserv.exe meshagent.exe meshagent64.exe dwagsvc.exe agentmon.exe kaseyaendpoint.exe ninjarmmagent.exe tacticalrmm.exe rustdesk.exe connectwisecontrol.client.exe logmein.exe lmiguardiansvc.exe windowsagent.exe ba_agent.exe solarwinds.businesslayerhost.exe"

// shells are programs that run what others tell them. A server that starts one is a way in.
var shells = set("cmd.exe powershell.exe pwsh.exe wscript.exe cscript.exe mshta.exe rundll32.exe regsvr32.exe bash sh dash zsh python python3 perl php bash.exe certutil.exe bitsadmin.exe curl.exe wget.exe msbuild.exe installutil.exe whoami.exe net.exe net1.exe")

// secretKeepers hold passwords and keys in memory.
var secretKeepers = set("lsass.exe winlogon.exe keepass.exe vaultcmd.exe credentialmanager.exe sqlservr.exe ntds.exe")

// readers open what people are sent.
var readers = set("winword.exe excel.exe powerpnt.exe outlook.exe msaccess.exe onenote.exe acrord32.exe acrobat.exe eqnedt32.exe foxitreader.exe thunderbird.exe winrar.exe 7zfm.exe")

// interpreters run what stands in a file that their command line names.
var interpreters = set("perl perl.exe python python2 python3 python.exe pythonw.exe ruby php php.exe lua wscript.exe cscript.exe mshta.exe rundll32.exe regsvr32.exe msbuild.exe installutil.exe")

// fetchers bring files from elsewhere.
var fetchers = set("certutil.exe bitsadmin.exe curl.exe curl wget.exe wget fetch scp sftp rsync")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// systemSession says whether a logon id is one that every Windows has: SYSTEM, NETWORK SERVICE, LOCAL SERVICE, anonymous.
func systemSession(id string) bool {
	switch id {
	case "0x3e7", "0x3e4", "0x3e5", "0x3e6", "0x0":
		return true
	}
	return false
}

// installed says whether a file lies where installers put it and users cannot write, so that its name alone tells nothing.
func installed(path string) bool {
	for _, p := range []string{`c:\windows\system32\`, `c:\windows\syswow64\`, `c:\windows\winsxs\`, `c:\windows\microsoft.net\`, `c:\windows\assembly\`, `c:\windows\servicing\`, `c:\program files\`, `c:\program files (x86)\`, `c:\programdata\microsoft\`,
		"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/"} {
		if strings.HasPrefix(path, p) {
			return !strings.HasPrefix(path, `c:\windows\system32\tasks\`) && !strings.HasPrefix(path, `c:\windows\system32\spool\drivers\color\`)
		}
	}
	switch path {
	case `c:\windows\explorer.exe`, `c:\windows\regedit.exe`, `c:\windows\notepad.exe`, `c:\windows\hh.exe`, "system", "registry", "memcompression":
		return true
	}
	return false
}

// autostart says whether a registry value decides what is started.
func autostart(key string) bool {
	for _, part := range []string{`\currentversion\run`, `\currentcontrolset\services\`, `\controlset001\services\`, `\image file execution options\`, `\silentprocessexit\`, `\windows nt\currentversion\winlogon\`, `\appinit_dlls`, `\active setup\`,
		`\shell\open\command`, `\inprocserver32`, `\localserver32`, `\userinitmprlogonscript`, `\session manager\bootexecute`, `\lsa\security packages`, `\lsa\notification packages`, `\print\monitors\`, `\netsh\`, `\windows defender\exclusions\`, `\portproxy\`} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// commonNames are zones that every machine asks for by itself: updates, revoked certificates, whether there is an Internet.
var commonNames = []string{"windowsupdate.com", "microsoft.com", "windows.com", "msftncsi.com", "msftconnecttest.com", "msn.com", "bing.com", "skype.com", "live.com", "office.com", "office.net", "microsoftonline.com", "digicert.com", "verisign.com",
	"globalsign.com", "globalsign.net", "lencr.org", "sectigo.com", "usertrust.com", "entrust.net", "mozilla.org", "mozilla.net", "firefox.com", "ubuntu.com", "debian.org", "redhat.com", "ntp.org", "root-servers.net"}

func commonName(name string) bool {
	for _, zone := range commonNames {
		if rest, ok := strings.CutSuffix(name, zone); ok && (rest == "" || rest[len(rest)-1] == '.') {
			return true
		}
	}
	return false
}
