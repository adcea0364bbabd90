// Package device reads what network devices write: messages of Cisco IOS, NX-OS, XR and ASA, of Huawei and H3C, of Junos, FortiGate
// and Palo Alto, NetScaler and Pulse Connect Secure; accounting of TACACS+ and RADIUS; running configurations and the output of show commands.
//
// Messages come in syslog, whose reader asks here what a message is; accounting files and configurations are formats of their own.
// Fields keep the names of the device where it names them. What stands in free text only is named as Sigma's firewall rules do:
// src_ip, src_port, dst_ip, dst_port, action, and user, command, assigned_ip. The text is always kept whole as message.
// The package promises to read nothing but what a message says, and refuses to guess a device by its dates alone.
package device

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// Kind is a kind of device by the form of its messages.
type Kind uint8

const (
	None Kind = iota
	Cisco
	CiscoISE
	CiscoDuo
	Huawei
	H3C
	Junos
	FortiGate
	PaloAlto
	GlobalProtect // files of the gateway's own daemons
	Tacacs        // accounting of tac_plus
	PfSense       // its packet filter
	NetScaler
	Pulse // Connect Secure, and what it was called before
)

// Adder takes the fields of an event.
type Adder interface {
	Add(name string, value []byte)
	AddNamed(name, value []byte)
}

// KindOf tells the device that wrote a message, given the program that syslog names, if any. The text has no syslog header.
func KindOf(app, text []byte) Kind {
	if len(text) < 8 {
		return None
	}
	switch {
	case text[0] == '%' && text[1] == '%' && slashMnemonic(text[2:]) > 0:
		if isH3C(text[2:]) {
			return H3C
		}
		return Huawei
	case bytes.HasPrefix(app, []byte("CISE_")) || bytes.HasPrefix(text, []byte("CISE_")):
		return CiscoISE
	case isFortiGate(text):
		return FortiGate
	case isPaloAlto(text):
		return PaloAlto
	case isJunos(app, text):
		return Junos
	case string(app) == "filterlog" && bytes.Count(text, []byte{','}) >= 8:
		return PfSense
	case text[0] == '{' && isDuo(text):
		return CiscoDuo
	case isNetScaler(text):
		return NetScaler
	case isPulse(text):
		return Pulse
	case Holds(text[:min(len(text), 400)], "failed to unmarshal session", "(") || Holds(text[:min(len(text), 400)], "", "/opt/panlogs/"):
		return GlobalProtect
	case app == nil && slashMnemonic(text) > 0 && isH3C(text):
		return H3C
	}
	return None
}

// Holds says whether a text holds before and behind side by side. It looks for the first byte of behind, which should be rare where before is not:
// every message of a host is asked for half a dozen such texts, and looking for each by its first letter took a fifth of reading syslog.
func Holds(text []byte, before, behind string) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], behind[0])
		if i < 0 {
			return false
		}
		at += i
		if at >= len(before) && string(text[at-len(before):at]) == before && bytes.HasPrefix(text[at:], []byte(behind)) {
			return true
		}
	}
}

// Bare says whether a line is a device's message without any syslog header, which tells its own time.
func Bare(line []byte) bool { return isFortiGate(line) || isPaloAlto(line) }

// Source gives the source of a message.
func (k Kind) Source(app, text []byte) event.Source {
	switch k {
	case Cisco:
		return ciscoSource(text)
	case CiscoISE:
		return iseSource(app, text)
	case CiscoDuo:
		return event.Source{Product: "cisco", Service: "duo"}
	case Huawei:
		return event.Source{Product: "huawei", Service: slashService(text)}
	case H3C:
		return event.Source{Product: "h3c", Service: slashService(text)}
	case Junos:
		return junosSource(app, text)
	case FortiGate:
		return fortiSource(text)
	case PaloAlto:
		return event.Source{Product: "paloalto", Service: paloService(text)}
	case GlobalProtect:
		return event.Source{Product: "paloalto", Service: "globalprotect"}
	case Tacacs:
		return event.Source{Product: "cisco", Service: "aaa"}
	case PfSense:
		return event.Source{Product: "pfsense", Category: "firewall"}
	case NetScaler:
		return netScalerSource(text)
	case Pulse:
		return event.Source{Product: "pulse", Service: "vpn"}
	}
	return event.Source{}
}

// Fields adds the fields of a message.
func (k Kind) Fields(app, text []byte, to Adder) {
	to.Add("message", text)
	switch k {
	case Cisco:
		ciscoFields(text, to)
	case CiscoISE:
		iseFields(text, to)
	case CiscoDuo:
		jsonFields(text, to)
	case Huawei, H3C:
		slashFields(text, to)
	case Junos:
		junosFields(text, to)
	case FortiGate:
		fortiFields(text, to)
	case PaloAlto:
		paloFields(text, to)
	case GlobalProtect:
		if text[0] == '{' {
			jsonFields(text, to)
		}
	case Tacacs:
		tacacsFields(text, to)
	case PfSense:
		pfFields(text, to)
	case NetScaler:
		netScalerFields(text, to)
	case Pulse:
		pulseFields(text, to)
	}
}

// Time gives the time that the message itself tells, in nanoseconds since 1970, or event.NoTime; zone is for times without one.
func (k Kind) Time(text []byte, zone *time.Location) int64 {
	switch k {
	case FortiGate:
		return fortiTime(text, zone)
	case PaloAlto:
		return paloTime(text, zone)
	case CiscoISE:
		return iseTime(text)
	case GlobalProtect:
		return jsonTime(text)
	case NetScaler:
		return netScalerTime(text, zone)
	case Pulse:
		return pulseTime(text, zone)
	}
	return event.NoTime
}

// Host gives the device's name where the message tells it, nil else.
func (k Kind) Host(text []byte) []byte {
	switch k {
	case FortiGate:
		return pairOf(text, "devname")
	case PaloAlto:
		return paloHost(text)
	case NetScaler:
		return netScalerHost(text)
	}
	return nil
}

func parseIn(layout string, text []byte, zone *time.Location) int64 {
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(layout, string(text), zone)
	if err != nil || t.Year() < 1700 || t.Year() > 2250 {
		return event.NoTime
	}
	return t.UnixNano()
}
