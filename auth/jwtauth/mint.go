package jwtauth

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dashwire/dashwire/auth"
)

// Mint makes tokens that are signed with a secret, for development and for programs on
// the operator's side. Secret must be set.
type Mint struct {
	Secret []byte
	// Algorithm is HS256, HS384 or HS512; "" = HS256.
	Algorithm string
	// Issuer and Audience are written if they are set.
	Issuer   string
	Audience []string
	// UserClaim and RightsClaim are as in Config.
	UserClaim, RightsClaim string
}

// Token makes a token for a principal, who must have a UserID and an end.
func (m Mint) Token(p auth.Principal) (string, error) {
	if m.Algorithm == "" {
		m.Algorithm = symmetric[0]
	}
	if !slices.Contains(symmetric, m.Algorithm) {
		return "", fmt.Errorf("%q is no algorithm for secrets: use %s", m.Algorithm, strings.Join(symmetric, ", "))
	}
	k, err := fit(found{material: secret(m.Secret)}, []string{m.Algorithm})
	if err != nil {
		return "", err
	}
	if err := checkUser(p.UserID); err != nil {
		return "", err
	}
	if p.Expires.IsZero() {
		return "", errors.New("a token needs an end")
	}
	content := jwt.MapClaims{"exp": p.Expires.Unix()}
	grants := make(map[string]string, len(p.Grants))
	for _, g := range p.Grants {
		if _, err := ParseGrant(g.Pattern, g.Role.String()); err != nil {
			return "", err
		}
		if _, twice := grants[g.Pattern]; twice {
			return "", fmt.Errorf("%s is granted twice", quoted(g.Pattern))
		}
		grants[g.Pattern] = g.Role.String()
	}
	of := rights{Dashboards: &grants}
	if p.Admin {
		of.Admin = &p.Admin
	}
	content[cmp.Or(m.RightsClaim, "dashwire")] = of
	content[cmp.Or(m.UserClaim, "sub")] = p.UserID
	if !p.IssuedAt.IsZero() {
		content["iat"] = p.IssuedAt.Unix()
	}
	if p.TokenID != "" {
		content["jti"] = p.TokenID
	}
	if m.Issuer != "" {
		content["iss"] = m.Issuer
	}
	if len(m.Audience) > 0 {
		content["aud"] = m.Audience
	}
	token, err := jwt.NewWithClaims(jwt.GetSigningMethod(m.Algorithm), content).SignedString(k.material)
	if err == nil && len(token) > MaxTokenBytes {
		err = fmt.Errorf("the token would have %d bytes, and servers take %d: grant less, with patterns", len(token), MaxTokenBytes)
	}
	return token, err
}
