package httpapi

import (
	"net/http"
	"testing"
)

func TestH6_PagesOfAllowedOriginsReadAnswers(t *testing.T) {
	const app = "https://app.example.com"
	n := start(t, func(c *Config) { c.AllowedOrigins = []string{app} })
	n.create("ops")

	asked := n.do("OPTIONS", "/api/dashboards/ops/widgets/cpu", "", from(app),
		header{"Access-Control-Request-Method", "PATCH"}, header{"Access-Control-Request-Headers", "dashwire-base"}).want(http.StatusNoContent)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": app, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": corsMethods, "Access-Control-Allow-Headers": corsHeaders,
		"Vary": "Origin",
	} {
		if got := asked.Header.Get(name); got != want {
			t.Errorf("preflight: %s is %q, want %q", name, got, want)
		}
	}
	for _, tc := range []struct {
		name, origin, path, allowed string
		status                      int
	}{
		{"H6 an allowed origin", app, "/api/dashboards/ops", app, 200},
		{"H6 errors too", app, "/api/dashboards/none?x=1", app, 200},
		{"H6 another origin", "https://evil.example", "/api/dashboards/ops", "", 200},
		{"H6 null", "null", "/api/dashboards/ops", "", 200},
		{"H6 no origin", "", "/api/dashboards/ops", "", 200},
		{"H6 what is not the interface's", app, "/index.html", "", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var lines []header
			if tc.origin != "" {
				lines = append(lines, from(tc.origin))
			}
			got := n.do("GET", tc.path, "", lines...).want(tc.status).Header.Get("Access-Control-Allow-Origin")
			if got != tc.allowed {
				t.Errorf("Access-Control-Allow-Origin is %q, want %q", got, tc.allowed)
			}
		})
	}
	refused := n.do("OPTIONS", "/api/dashboards/ops", "", from("https://evil.example"), header{"Access-Control-Request-Method", "DELETE"})
	if got := refused.Header.Get("Access-Control-Allow-Methods"); got != "" {
		t.Errorf("another origin's preflight is allowed %q", got)
	}
}
