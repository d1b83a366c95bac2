package httpapi

import "net/http"

const (
	// corsMethods and corsHeaders are what pages of an allowed origin may send.
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, " +
		keyHeader + ", " + baseHeader + ", " + policyHeader + ", " + clientHeader + ", " + sessionHeader
	// corsExposed are the headers of answers that they may read.
	corsExposed = "ETag, Retry-After, Dashwire-Stale"
	// corsSeconds is how long a browser may remember a preflight.
	corsSeconds = "600"
)

// crossOrigin lets pages of the allowed origins read answers (CORS), and answers what
// their browsers ask first: then it returns true. Pages of the server's own origin need
// none of it, other pages get none; what these may not do is refused elsewhere (H6).
func (a *API) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool) {
	if len(a.origins) == 0 || !reserved(r.URL.Path) {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if _, allowed := a.origins[normalOrigin(origin)]; !allowed {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsSeconds)
	w.WriteHeader(http.StatusNoContent)
	return true
}
