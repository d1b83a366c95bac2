package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// nodeMessages are one of each that nodes send.
var nodeMessages = []*NodeMessage{
	{Hello: &NodeHello{Clock: 7}},
	{Beat: &NodeBeat{Clock: 7, Sessions: 3, Users: 2, Rooms: 1, Last: true}},
	{Clients: &NodeClients{List: []NodeClient{{UserID: "ana", ClientID: "tab", SessionID: "s-1", Clock: 7}}, Count: true}},
	{Count: &NodeCount{SessionID: "s-1", Sessions: 2}},
	{Revoked: []NodeRevoked{{UserID: "ana", At: 1}, {TokenID: "t-1", At: 1, Ends: 2}}},
	{Rights: &NodeRights{UserID: "ana"}},
	{Rights: &NodeRights{}},
	{App: &NodeApp{UserID: "ana", Name: "note", Data: []byte(`{"a":[1]}`)}},
	{End: &NodeEnd{SessionID: "s-1", Code: 4401, Reason: "revoked"}},
	{Show: &NodeShow{SessionID: "s-1", UserID: "ana", DashboardID: "ops", State: `{"at":"cpu"}`}},
	{Ask: &NodeAsk{DashboardID: "ops"}},
	{Waits: &NodeWaits{DashboardID: "ops", Millis: 120}},
	{Presence: &NodePresence{
		DashboardID: "ops", Number: 3, Count: 1, All: true,
		In: []NodeState{{SessionID: "s-1", ClientID: "tab", UserID: "ana", State: `{"at":"cpu"}`}}, Out: []string{"s-2"},
	}},
	{Values: &NodeValues{DashboardID: "ops", State: true, Values: map[string]NodeValue{"cpu": {Data: "[1,2]", Append: true, Window: 9, Age: 5}}}},
}

func TestNode_RoundTrips(t *testing.T) {
	for _, m := range nodeMessages {
		sent := EncodeNode(m)
		got, err := DecodeNode(sent)
		if err != nil {
			t.Errorf("%s: %v", sent, err)
			continue
		}
		if again := EncodeNode(&got); !bytes.Equal(again, sent) {
			t.Errorf("%s came back as %s", sent, again)
		}
	}
}

// TestNode_Refuses: what another node sends is held to the rules that clients are held to.
func TestNode_Refuses(t *testing.T) {
	long := strings.Repeat("a", maxNodeText+1)
	for name, text := range map[string]string{
		"nothing":                       `{}`,
		"what this build does not know": `{"other":{}}`,
		"two things":                    `{"ask":{"dashboardId":"ops"},"hello":{"clock":1}}`,
		"no object":                     `[]`,
		"a key twice":                   `{"ask":{"dashboardId":"a","dashboardId":"b"}}`,
		"a dashboard's id":              `{"ask":{"dashboardId":"a b"}}`,
		"no dashboard's id":             `{"ask":{}}`,
		"a subject's wildcard":          `{"ask":{"dashboardId":">"}}`,
		"a long user id":                `{"rights":{"userId":"` + long + `"}}`,
		"neither user nor token":        `{"revoked":[{"at":1}]}`,
		"both":                          `{"revoked":[{"at":1,"userId":"a","jti":"b"}]}`,
		"no clients":                    `{"clients":{"list":[]}}`,
		"a session's id":                `{"count":{"sessionId":"","sessions":1}}`,
		"a negative count":              `{"count":{"sessionId":"s","sessions":-1}}`,
		"a close code":                  `{"end":{"sessionId":"s","code":1,"reason":""}}`,
		"a message without data":        `{"app":{"name":"x"}}`,
		"presence without a state":      `{"presence":{"dashboardId":"ops","n":1,"in":[{"sessionId":"s","clientId":"c","userId":"u"}]}}`,
		"no state to show":              `{"show":{"sessionId":"s","userId":"u","dashboardId":"ops"}}`,
		"a long state to show":          `{"show":{"sessionId":"s","userId":"u","dashboardId":"ops","state":"` + strings.Repeat("x", MaxStateBytes) + `"}}`,
		"a state of no session":         `{"show":{"userId":"u","dashboardId":"ops","state":1}}`,
		"a long state":                  `{"presence":{"dashboardId":"ops","n":1,"in":[{"sessionId":"s","clientId":"c","userId":"u","state":"` + strings.Repeat("x", MaxStateBytes) + `"}]}}`,
		"a widget's id":                 `{"values":{"dashboardId":"ops","values":{"a/b":{"data":1}}}}`,
		"no value":                      `{"values":{"dashboardId":"ops","values":{"a":{}}}}`,
		"a long value":                  `{"values":{"dashboardId":"ops","values":{"a":{"data":"` + strings.Repeat("x", 2*MaxDataBytes) + `"}}}}`,
		"points that are none":          `{"values":{"dashboardId":"ops","values":{"a":{"data":1,"append":true}}}}`,
		"a window":                      `{"values":{"dashboardId":"ops","values":{"a":{"data":[1],"append":true,"window":-1}}}}`,
		"an age":                        `{"values":{"dashboardId":"ops","values":{"a":{"data":1,"age":-1}}}}`,
		"deep nesting":                  `{"app":{"name":"x","data":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}}`,
	} {
		if m, err := DecodeNode([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, m)
		}
	}
}

func FuzzNode(f *testing.F) {
	for _, m := range nodeMessages {
		f.Add(EncodeNode(m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeNode(data)
		if err != nil {
			return
		}
		if m.Ask != nil && board.CheckID("dashboard", m.Ask.DashboardID) != nil {
			t.Fatalf("taken: %q", data)
		}
		sent := EncodeNode(&m)
		again, err := DecodeNode(sent)
		if err != nil {
			t.Fatalf("%q was taken, and what it says is not: %q: %v", data, sent, err)
		}
		if twice := EncodeNode(&again); !bytes.Equal(sent, twice) {
			t.Fatalf("%q came back as %q", sent, twice)
		}
	})
}
