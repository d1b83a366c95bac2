package httpsig

import (
	"net/http"
	"strconv"
	"strings"
)

// AcceptSignature is the value of Accept-Signature (section 5.1) that tells a client what
// a signature must cover for a request like r. A nonce has to be in it too: that a header
// cannot ask for without naming one.
func (v *Verifier) AcceptSignature(r *http.Request) string {
	covered := []string{"@method", "@authority", "@path", "@query"}
	for _, f := range v.cfg.Fields {
		if len(r.Header.Values(f)) > 0 && f != "content-digest" {
			covered = append(covered, f)
		}
	}
	if r.ContentLength != 0 {
		covered = append(covered, "content-digest")
	}
	value := `sig=("` + strings.Join(covered, `" "`) + `");created`
	if v.cfg.Tag != "" {
		value += ";tag=" + strconv.Quote(v.cfg.Tag)
	}
	return value
}

// AcceptSignature is that of the authenticator's verifier.
func (a *Authenticator) AcceptSignature(r *http.Request) string { return a.verifier.AcceptSignature(r) }
