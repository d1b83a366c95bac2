package jwtauth

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// claims are the payload of a token, each as text until it is asked for. It implements
// jwt.Claims.
type claims map[string]jsontext.RawValue

// UnmarshalJSON implements json.Unmarshaler. Duplicates are refused.
func (c *claims) UnmarshalJSON(data []byte) error {
	return jsontext.Decode(data, (*map[string]jsontext.RawValue)(c))
}

// text reads a claim that must be text; absent is "".
func (c claims) text(name string) (string, error) {
	raw, ok := c[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := jsontext.Decode(raw, &s); err != nil || s == nil {
		return "", fmt.Errorf("its claim %s is no text", quoted(name))
	}
	return *s, nil
}

// lastSecond is the end of the year 9999; what lies beyond is no time.
const lastSecond = 253402300799

// instant reads a claim that is a time; absent is nil.
func (c claims) instant(name string) (*jwt.NumericDate, error) {
	raw, ok := c[name]
	if !ok {
		return nil, nil
	}
	var seconds *float64
	if err := jsontext.Decode(raw, &seconds); err != nil || seconds == nil || *seconds < 0 || *seconds > lastSecond {
		return nil, fmt.Errorf("its claim %s is no time", name)
	}
	whole, part := math.Modf(*seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(part*1e9))}, nil
}

// GetExpirationTime implements jwt.Claims, like those below.
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.instant("exp") }

func (c claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.instant("iat") }

func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return c.instant("nbf") }

func (c claims) GetIssuer() (string, error) { return c.text("iss") }

func (c claims) GetSubject() (string, error) { return c.text("sub") }

func (c claims) GetAudience() (jwt.ClaimStrings, error) {
	raw, ok := c["aud"]
	if !ok {
		return nil, nil
	}
	var list []string
	if len(raw) > 0 && raw[0] == '[' {
		if err := jsontext.Decode(raw, &list); err != nil {
			return nil, errors.New("its claim aud is no list of names")
		}
		return list, nil
	}
	one, err := c.text("aud")
	return jwt.ClaimStrings{one}, err
}

// maxTokenID is the length of the longest jti, in bytes.
const maxTokenID = 256

// principal reads who somebody is and what they may do. What is not understood is
// refused, so that a mistake never gives more than was meant.
func (cfg *Config) principal(c claims) (auth.Principal, error) {
	var p auth.Principal
	var err error
	if p.UserID, err = c.text(cfg.UserClaim); err != nil {
		return p, err
	}
	if err := checkUser(p.UserID); err != nil {
		return p, fmt.Errorf("its claim %s: %w", quoted(cfg.UserClaim), err)
	}
	if p.TokenID, err = c.text("jti"); err != nil {
		return p, err
	}
	if len(p.TokenID) > maxTokenID {
		return p, fmt.Errorf("its claim jti is longer than %d bytes", maxTokenID)
	}
	expires, err := c.instant("exp")
	if err != nil {
		return p, err
	}
	p.Expires = expires.Time // its presence was checked with the signature
	issued, err := c.instant("iat")
	if err != nil {
		return p, err
	}
	if issued != nil {
		p.IssuedAt = issued.Time
	}
	raw, ok := c[cfg.RightsClaim]
	if !ok {
		return p, nil // somebody who may do nothing yet
	}
	if p.Grants, p.Admin, err = parseRights(raw); err != nil {
		return p, fmt.Errorf("its claim %s: %w", quoted(cfg.RightsClaim), err)
	}
	return p, nil
}

// rights is the claim of P1 as JSON.
type rights struct {
	Dashboards *map[string]string `json:"dashboards,omitempty"`
	Admin      *bool              `json:"admin,omitempty"`
}

// parseRights reads the claim of P1. A member that it does not know is refused too: it
// might take away what the others give.
func parseRights(raw jsontext.RawValue) (grants []auth.Grant, admin bool, err error) {
	var members map[string]jsontext.RawValue
	if err := jsontext.Decode(raw, &members); err != nil || members == nil {
		return nil, false, errors.New("it must be an object like {\"dashboards\": {\"ops\": \"editor\"}}")
	}
	for name, value := range members {
		if name != "dashboards" && name != "admin" {
			return nil, false, fmt.Errorf("its member %s is not known", quoted(name))
		}
		if string(value) == "null" {
			return nil, false, fmt.Errorf("its member %s is null: leave it out instead", name)
		}
	}
	var r rights
	if err := jsontext.Decode(raw, &r); err != nil {
		return nil, false, errors.New("dashboards is an object from dashboards to roles, admin is true or false")
	}
	if r.Admin != nil {
		admin = *r.Admin
	}
	if r.Dashboards == nil {
		return nil, admin, nil
	}
	for pattern, name := range *r.Dashboards {
		g, err := ParseGrant(pattern, name)
		if err != nil {
			return nil, false, err
		}
		grants = append(grants, g)
	}
	slices.SortFunc(grants, func(a, b auth.Grant) int { return strings.Compare(a.Pattern, b.Pattern) })
	return grants, admin, nil
}

// ParseGrant makes a grant of what stands in a token: a dashboard's id, or the beginning
// of ids with a * behind it, and the name of a role.
func ParseGrant(pattern, role string) (auth.Grant, error) {
	r, ok := auth.ParseRole(role)
	if !ok {
		return auth.Grant{}, fmt.Errorf("%s is no role: write viewer, feeder, editor or owner", quoted(role))
	}
	prefix, wild := strings.CutSuffix(pattern, "*")
	if wild {
		prefix += "x" // a beginning may end anywhere
	}
	if board.CheckID("dashboard", prefix) != nil {
		return auth.Grant{}, fmt.Errorf("%s names no dashboards: write an id, or the beginning of ids and * behind it", quoted(pattern))
	}
	return auth.Grant{Pattern: pattern, Role: r}, nil
}

// checkUser holds a user's id to D2. Nobody signs in as the user without a name, who is
// not counted (C8).
func checkUser(id string) error {
	if id == "" {
		return errors.New("there is no user id in it")
	}
	if id == auth.Anonymous {
		return errors.New("anonymous is nobody who can sign in")
	}
	if board.CheckID("user", id) != nil {
		return fmt.Errorf("%s is no user id: it has 1 to 128 characters of A–Z a–z 0–9 . _ : -", quoted(id))
	}
	return nil
}

// quoted shows what stands in a signed token, in one line and not at length.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
