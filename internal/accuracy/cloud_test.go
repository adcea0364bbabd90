package accuracy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/trail"
)

// TestASignInToACloudJoinsTheRemoteSession: whoever came through the gateway signed in to a cloud service from the same address before. The records
// have the shapes that the makers document: Microsoft Graph's signIn and its diagnostic export, Okta's LogEvent, CloudTrail, Microsoft 365's audit log.
func TestASignInToACloudJoinsTheRemoteSession(t *testing.T) {
	graph := func(at, user, ip, code string) string {
		return `{"id":"66ea54eb-` + code + `","createdDateTime":"` + at + `","userDisplayName":"X","userPrincipalName":"` + user + `","userId":"26be570a","appId":"de8bc8b5","appDisplayName":"Graph explorer","ipAddress":"` + ip +
			`","clientAppUsed":"Browser","isInteractive":true,"resourceDisplayName":"Microsoft Graph","status":{"errorCode":` + code + `,"failureReason":"Other.","additionalDetails":null},"location":{"city":"X","countryOrRegion":"US"}}` + "\n"
	}
	diagnostic := func(at, user, ip, code string) string {
		return `{"time":"` + at + `","resourceId":"/tenants/x/providers/Microsoft.aadiam","operationName":"Sign-in activity","operationVersion":"1.0","category":"SignInLogs","tenantId":"x","resultType":"` + code + `","callerIpAddress":"` + ip +
			`","identity":"X","properties":{"id":"1","createdDateTime":"` + at + `","userPrincipalName":"` + user + `","ipAddress":"` + ip + `","status":{"errorCode":` + code + `}}}` + "\n"
	}
	okta := func(at, user, ip, outcome string) string {
		return `{"actor":{"id":"00u1","type":"User","alternateId":"` + user + `","displayName":"X"},"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0"},"zone":"null","ipAddress":"` + ip + `"},"authenticationContext":{"externalSessionId":"102x"},"displayMessage":"User login to Okta","eventType":"user.session.start","outcome":{"result":"` +
			outcome + `"},"published":"` + at + `","severity":"INFO","legacyEventType":"core.user_auth.login_success","uuid":"u","version":"0"}` + "\n"
	}
	aws := func(at, user, ip, outcome string) string {
		return `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::111122223333:user/` + user + `","accountId":"111122223333","userName":"` + user + `"},"eventTime":"` + at + `","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"` + ip +
			`","userAgent":"Mozilla/5.0","requestParameters":null,"responseElements":{"ConsoleLogin":"` + outcome + `"},"eventID":"e","eventType":"AwsConsoleSignIn","recipientAccountId":"111122223333"}` + "\n"
	}
	m365 := func(at, user, ip, operation string) string {
		return `{"CreationTime":"` + strings.TrimSuffix(at, "Z") + `","Id":"i","Operation":"` + operation + `","OrganizationId":"o","RecordType":15,"ResultStatus":"Success","UserKey":"k","UserType":0,"Version":1,"Workload":"AzureActiveDirectory","ClientIP":"` + ip + `","ObjectId":"Unknown","UserId":"` + user + `"}` + "\n"
	}
	for name, x := range map[string]struct {
		line         func(at, user, ip, outcome string) string
		good, failed string
	}{
		"Entra by Graph":             {graph, "0", "50126"},
		"Entra by diagnostic export": {diagnostic, "0", "50126"},
		"Okta":                       {okta, "SUCCESS", "FAILURE"},
		"CloudTrail":                 {aws, "Success", "Failure"},
		"Microsoft 365":              {m365, "UserLoggedIn", "UserLoginFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			root := lay(t, map[string]string{
				"res1/auth.log": sessionOnServer,
				"gw/asa.log":    "2026-03-16T08:00:00+00:00 gw1 %ASA-4-722051: Group <staff> User <svc-x> IP <203.0.113.9> IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session\n",
				"cloud/signins.json": x.line("2026-03-16T07:10:00Z", "svc-x@corp.example", "203.0.113.9", x.failed) + x.line("2026-03-16T07:20:00Z", "svc-x@corp.example", "203.0.113.9", x.good) +
					x.line("2026-03-16T07:30:00Z", "alice@corp.example", "198.51.100.4", x.good),
			})
			out := follow(t, root, "res1/auth.log:1")
			checkTouched(t, out, []string{"gw/asa.log:1", "cloud/signins.json:1", "cloud/signins.json:2"}, []string{"cloud/signins.json:3", "res1/auth.log:2"})
			if !slices.ContainsFunc(out.Nodes, func(n trail.NodeView) bool { return n.Kind == "account" && n.Label == "svc-x" }) {
				t.Errorf("the account is missing of %v", out.Nodes)
			}
			checkTouched(t, follow(t, root, "cloud/signins.json:2"), []string{"gw/asa.log:1", "res1/auth.log:1"}, []string{"cloud/signins.json:3"})
		})
	}
}

// TestWhatIsChangedInACloudIsToldOfItsSession: a rule for letters, and an account, made from an outside address.
func TestWhatIsChangedInACloudIsToldOfItsSession(t *testing.T) {
	root := lay(t, map[string]string{
		"cloud/exchange.json": `{"CreationTime":"2026-03-16T07:40:00","Id":"i","Operation":"New-InboxRule","OrganizationId":"o","RecordType":1,"ResultStatus":"True","UserKey":"k","UserType":2,"Version":1,"Workload":"Exchange","ClientIP":"203.0.113.9:51234","ObjectId":"svc-x\\rule","UserId":"svc-x@corp.example","Parameters":[{"Name":"ForwardTo","Value":"x@mail.example"}]}
{"CreationTime":"2026-03-16T07:45:00","Id":"j","Operation":"New-InboxRule","OrganizationId":"o","RecordType":1,"ResultStatus":"True","UserKey":"k","UserType":2,"Version":1,"Workload":"Exchange","ClientIP":"198.51.100.4:40000","ObjectId":"alice\\rule","UserId":"alice@corp.example","Parameters":[]}
`,
		"cloud/trail.json": `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Admin/svc-x"},"eventTime":"2026-03-16T07:50:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","requestParameters":{"userName":"backup-ops"},"responseElements":{},"eventID":"e","eventType":"AwsApiCall"}
{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"svc-x"},"eventTime":"2026-03-16T07:51:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","errorCode":"AccessDenied","requestParameters":{"userName":"denied"},"eventID":"f","eventType":"AwsApiCall"}
`,
	})
	out := follow(t, root, "203.0.113.9")
	checkTouched(t, out, []string{"cloud/exchange.json:1", "cloud/trail.json:1"}, []string{"cloud/exchange.json:2", "cloud/trail.json:2"})
	if !slices.ContainsFunc(out.Edges, func(e trail.EdgeView) bool { return e.Kind == "made-account" && e.Host == "aws" }) {
		t.Errorf("the account that was made is missing of %+v", out.Edges)
	}
}
