package httpapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// asDescribed sends a signed request and holds it and its answer against the description.
func (n *node) asDescribed(r *http.Request, body string) *reply {
	n.t.Helper()
	v, _ := describedOf(n.t)
	lines := []header{}
	for name, values := range r.Header {
		lines = append(lines, header{name, values[0]})
	}
	return n.exchange(v, r.Method, r.URL.RequestURI(), body, lines...)
}

func TestC2_SignedRequestsAreAsDescribed(t *testing.T) {
	n, _, edit := takesSigned(t, nil)
	const body = `{"type":"gauge"}`
	n.asDescribed(edit.sign(n.request("PUT", "/api/dashboards/team-1/widgets/cpu", body, key("op-1"))), body).want(200)
	n.asDescribed(edit.sign(n.request("GET", "/api/dashboards/team-1/audit", "")), "").want(200)
	n.asDescribed(edit.sign(n.request("GET", "/api/admin/audit", "")), "").want(200).
		has(`"key:edit"`, "entries", 0, "via").has(`"deploy"`, "entries", 0, "user")
	spoilt := edit.sign(n.request("GET", "/api/dashboards/team-1", ""))
	spoilt.Header.Set("Signature", "sig=:AAAA:")
	n.asDescribed(spoilt, "").refused(401, board.CodeUnauthenticated)
}

// What Accept-Signature asks for is what a good signature covers.
func TestC2_A401SaysWhatToSign(t *testing.T) {
	n, _, edit := takesSigned(t, nil)
	for _, x := range []struct{ method, path, body string }{
		{"GET", "/api/dashboards/team-1", ""},
		{"PUT", "/api/dashboards/team-1/widgets/cpu", `{"type":"gauge"}`},
	} {
		lines := []header{key("op-1"), {policyHeader, "ask"}}
		asked := n.do(x.method, x.path, x.body, lines...).refused(401, board.CodeUnauthenticated).Header.Get("Accept-Signature")
		if !strings.HasPrefix(asked, `sig=("@method" "@authority" "@path" "@query"`) || !strings.HasSuffix(asked, ");created") {
			t.Fatalf("Accept-Signature is %s", asked)
		}
		r := edit.sign(n.request(x.method, x.path, x.body, lines...))
		for _, component := range regexp.MustCompile(`"[^"]+"`).FindAllString(asked, -1) {
			if !strings.Contains(r.Header.Get("Signature-Input"), component) {
				t.Errorf("%s is asked for, and a good signature is %s", component, r.Header.Get("Signature-Input"))
			}
		}
		for name := range map[string]bool{policyHeader: true, keyHeader: true} {
			if !strings.Contains(asked, `"`+strings.ToLower(name)+`"`) {
				t.Errorf("%s is not asked for: %s", name, asked)
			}
		}
		if got := strings.Contains(asked, "content-digest"); got != (x.body != "") {
			t.Errorf("a body of %q is asked for with %s", x.body, asked)
		}
		n.send(r).want(200)
	}
	none := start(t, signedIn).do("GET", "/api/dashboards", "").refused(401, board.CodeUnauthenticated)
	if got := none.Header.Values("Accept-Signature"); len(got) > 0 {
		t.Errorf("signatures are asked for where none are taken: %s", got)
	}
}

// Whoever reads the description of an operation finds there how to sign it.
func TestC2_EachOperationSaysHowToSignIt(t *testing.T) {
	type operation struct {
		Security   *[]map[string][]string
		Parameters []struct {
			Ref string `json:"$ref"`
		}
		RequestBody *struct{}
		Responses   map[string]struct {
			Ref string `json:"$ref"`
		}
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(description, &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := json.Unmarshal(text, &op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			if op.Security != nil && len(*op.Security) == 1 {
				continue // nobody is asked who they are
			}
			if got := op.Responses["401"].Ref; got != "#/components/responses/Unauthenticated" {
				t.Errorf("%s %s: the answer 401 is %q", method, path, got)
			}
			digest := false
			for _, p := range op.Parameters {
				digest = digest || p.Ref == "#/components/parameters/contentDigest"
			}
			if digest != (op.RequestBody != nil) {
				t.Errorf("%s %s: Content-Digest is described: %v", method, path, digest)
			}
		}
	}
}
