package trail

import (
	"bytes"
	"net/netip"
)

// Constructors of what identity providers and clouds tell of who signed in: Entra, Okta, Amazon, Microsoft 365. The address and the account are the
// nodes that gateways' and controllers' logs have, so that a password taken from one is followed into the other.

// cloudLogon is the type of a logon to a cloud service.
const cloudLogon = 95

// cloudServices stand for hosts where sign-ins are told.
var cloudServices = set("azure okta aws m365")

// cloudFields are the names in the products' own documentation: Microsoft Graph's signIn and the same in Azure's diagnostic export and Log
// Analytics, Okta's LogEvent, CloudTrail's record, Microsoft 365's audit schema.
const cloudFields = "userPrincipalName|UserPrincipalName|properties.userPrincipalName|actor.alternateId|userIdentity.userName|UserId|userIdentity.sessionContext.sessionIssuer.userName|userIdentity.arn " +
	"ipAddress|IPAddress|properties.ipAddress|callerIpAddress|CallerIPAddress|client.ipAddress|sourceIPAddress|ClientIP|ClientIPAddress|ActorIpAddress " +
	"eventName|eventType|eventtype|Operation " +
	"outcome.result|status.errorCode|Status.errorCode|properties.status.errorCode|resultType|ResultType|responseElements.ConsoleLogin|errorCode|errorMessage|ResultStatus " +
	"ObjectId|requestParameters.userName"

// signsIn says whether an event is somebody's coming in.
func signsIn(product string, event []byte) bool {
	switch product {
	case "azure":
		return true // the log has nothing else
	case "okta":
		return bytes.HasPrefix(event, []byte("user.session.start")) || bytes.HasPrefix(event, []byte("user.authentication.")) && !bytes.HasPrefix(event, []byte("user.authentication.auth_unconfigured"))
	}
	switch string(event) {
	case "ConsoleLogin", "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken", // CloudTrail
		"UserLoggedIn", "UserLoginFailed", "MailboxLogin": // Microsoft 365
		return true
	}
	return false
}

// outcomeOf reads what products write for it. What is neither – a second factor that is still asked for – is unsaid.
func outcomeOf(event, outcome []byte) moment {
	if bytes.HasSuffix(event, []byte("Failed")) {
		return fails
	}
	switch string(lower(bytes.Clone(outcome))) {
	case "", "0", "success", "succeeded", "true", "allow":
		return begins
	case "challenge", "skipped", "unknown", "partiallysucceeded":
		return unsaid
	}
	return fails
}

// cloudUser is the account that a name of a cloud stands for: of a role that was taken, the name under which it was.
func cloudUser(name []byte) []byte {
	if bytes.HasPrefix(name, []byte("arn:")) {
		name = name[bytes.LastIndexAny(name, ":/")+1:]
	}
	return accountName(bytes.Clone(name))
}

// cloudAddress is an address that may have a port behind it.
func cloudAddress(text []byte) []byte {
	if whole, err := netip.ParseAddrPort(string(text)); err == nil {
		text = []byte(whole.Addr().String())
	}
	return plainAddress(bytes.Clone(text))
}

func cloudEvent(r *row) {
	product := r.b.Schema.Source.Product
	r.number = r.c.host([]byte(product), nil) // the record is of the service, wherever the file lies
	user, ip := cloudUser(r.get("userPrincipalName")), cloudAddress(r.get("ipAddress"))
	event := r.get("eventName")
	if len(user) == 0 || len(ip) == 0 {
		return
	}
	from, account := r.node(Address, nil, ip), r.node(Account, nil, user)
	if signsIn(product, event) {
		switch outcomeOf(event, r.get("outcome.result")) {
		case begins:
			s := r.cloudSession(product, user, ip)
			r.edge(from, LoggedOn, s)
			r.counted(s, OfAccount, account, cloudLogon)
		case fails:
			r.edge(from, RefusedLogon, account)
		}
		return
	}
	if outcomeOf(event, r.get("outcome.result")) != begins || !changesCloud(product, event) {
		return
	}
	s := r.cloudSession(product, user, ip)
	r.edge(from, LoggedOn, s) // its sign-in may be lost, or be of another day
	r.counted(s, OfAccount, account, cloudLogon)
	object := r.get("ObjectId")
	r.edge(s, HasCommand, r.node(Command, nil, bytes.TrimSpace(append(append(bytes.Clone(event), ' '), object...))))
	switch string(event) {
	case "CreateUser", "CreateLoginProfile", "Add user.", "New-Mailbox":
		r.edge(s, MadeAccount, r.node(Account, nil, cloudUser(object)))
	}
}

// cloudSession stands for what an account does from an address in a service.
func (r *row) cloudSession(product string, user, ip []byte) Node {
	return r.node(Session, []byte(product), append(append(bytes.Clone(user), " from "...), ip...))
}

// changesCloud says whether an event changes who may do what, or where letters go.
func changesCloud(product string, event []byte) bool {
	switch product {
	case "aws":
		for _, verb := range []string{"Create", "Put", "Attach", "Update", "Delete", "Add", "Modify", "Authorize", "Stop"} {
			if bytes.HasPrefix(event, []byte(verb)) {
				return true
			}
		}
	case "m365":
		for _, verb := range []string{"New-", "Set-", "Add-", "Add ", "Update "} {
			if bytes.HasPrefix(event, []byte(verb)) {
				return true
			}
		}
	case "okta":
		for _, what := range []string{"user.lifecycle.", "user.mfa.", "user.account.", "group.user_membership.", "system.api_token."} {
			if bytes.HasPrefix(event, []byte(what)) {
				return true
			}
		}
	}
	return false
}
