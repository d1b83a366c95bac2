package webhook

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParseSecret(t *testing.T) {
	for _, text := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_x!", "whsec_AAAA", "whsec_" + strings.Repeat("AAAA", 22)} {
		if _, err := ParseSecret(text); err == nil {
			t.Errorf("%q is taken", text)
		} else if len(text) > 6 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
	text := NewSecret()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(shown, text[6:]) || strings.Contains(shown, fmt.Sprint(s.key)) {
		t.Errorf("it shows: %s", shown)
	}
	if NewSecret() == text {
		t.Error("two new secrets are one")
	}
}

func TestValidate(t *testing.T) {
	key, err := ParseSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 24))))
	if err != nil {
		t.Fatal(err)
	}
	good := Target{Name: "a", URL: "https://example.com/hook?x=secret", Secrets: []Secret{key}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Target){
		"no name": func(t *Target) { t.Name = "" }, "a name with a space": func(t *Target) { t.Name = "a b" },
		"no url": func(t *Target) { t.URL = "" }, "another scheme": func(t *Target) { t.URL = "ftp://example.com" },
		"no host": func(t *Target) { t.URL = "https:///a" }, "opaque": func(t *Target) { t.URL = "https:example.com" },
		"a user": func(t *Target) { t.URL = "https://user:secret@example.com/" }, "a fragment": func(t *Target) { t.URL = "https://example.com/#a" },
		"a line break": func(t *Target) { t.URL = "https://example.com/\r\nX: y" }, "plain": func(t *Target) { t.URL = "http://example.com/" },
		"plain through a proxy": func(t *Target) {
			t.URL, t.Allow, t.Proxy = "http://example.com/", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, &url.URL{Scheme: "http", Host: "p"}
		},
		"a proxy that is none": func(t *Target) { t.Proxy = &url.URL{Scheme: "socks5", Host: "p"} },
		"no secret":            func(t *Target) { t.Secrets = nil }, "three secrets": func(t *Target) { t.Secrets = []Secret{key, key, key} },
		"an empty secret": func(t *Target) { t.Secrets = []Secret{{}} }, "an unknown event": func(t *Target) { t.Events = []EventType{"x"} },
		"no pattern": func(t *Target) { t.Dashboards = []string{"a*b"} }, "a time below zero": func(t *Target) { t.GiveUp = -1 },
		"times in the wrong order": func(t *Target) { t.RetryLongest = time.Second },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := Config{Targets: []Target{good, good}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "two targets") || !strings.Contains(err.Error(), "no Store") {
		t.Errorf("%v", err)
	}
}

func TestTarget_WantsAndGets(t *testing.T) {
	all, some := Target{}, Target{Events: []EventType{Conflict}, Dashboards: []string{"ops", "team-*"}}
	for id, want := range map[string]bool{"ops": true, "ops2": false, "team-": true, "team-a": true, "tea": false} {
		if !all.Wants(id) || some.Wants(id) != want {
			t.Errorf("%s: %v %v, want %v", id, all.Wants(id), some.Wants(id), want)
		}
	}
	for e, want := range map[EventType][2]bool{Committed: {true, false}, Gap: {true, false}, Conflict: {false, true}, Connected: {false, false}} {
		if all.Gets(e) != want[0] || some.Gets(e) != want[1] {
			t.Errorf("%s: %v %v", e, all.Gets(e), some.Gets(e))
		}
	}
}
