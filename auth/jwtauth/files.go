package jwtauth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/MicahParks/jwkset"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// ReadSecret reads a file with a secret: its bytes without white space at the end.
func ReadSecret(path string) ([]byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimRight(data, " \t\r\n")
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return nil, fmt.Errorf("%s: this is a key in PEM form and no secret: name it as a key file", path)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: the file is empty: put a secret of at least 32 bytes into it", path)
	}
	if len(data) < 32 {
		return nil, fmt.Errorf("%s: the secret has %d bytes: make one of at least 32", path, len(data))
	}
	return data, nil
}

// readKeys reads the public keys of a file.
func readKeys(path string) (list []found, err error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		list, err = parseKeyFile(data)
	} else {
		list, err = parsePEM(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: the file is larger than 1 MiB, so it is no file of keys", path)
	}
	return data, err
}

var errPrivate = errors.New("this is a private key: the server checks tokens and needs the public one only")

// parsePEM reads public keys and certificates.
func parsePEM(data []byte) (list []found, err error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		var material any
		switch block.Type {
		case "PUBLIC KEY":
			material, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			material, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case "CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(block.Bytes); err == nil {
				material = c.PublicKey
			}
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			return nil, errPrivate
		default:
			continue // parameters beside a key
		}
		if err != nil {
			return nil, err
		}
		switch material.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			return nil, errors.New("this kind of key does not sign tokens: use RSA, EC or Ed25519")
		}
		list = append(list, found{material: material})
	}
	if len(list) == 0 {
		return nil, errors.New("there is no public key in it: write it in PEM form, as a JWK or as a JWKS")
	}
	return list, nil
}

// parseKeyFile reads a JWK or a JWKS that the operator has chosen: every key counts.
func parseKeyFile(data []byte) (list []found, err error) {
	keys, err := split(data)
	if err != nil {
		return nil, err
	}
	for i, text := range keys {
		m, err := parseJWK(text)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if m.D != "" {
			return nil, fmt.Errorf("key %d: %w", i+1, errPrivate)
		}
		f, err := open(m, true)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return list, nil
}

// split gives the keys of a JWKS, or the one JWK that data is, as text.
func split(data []byte) ([]jsontext.RawValue, error) {
	if err := jsontext.Check(data, jsontext.Limits{Depth: 8}); err != nil {
		return nil, fmt.Errorf("this is no valid JSON: %w", err)
	}
	var set struct {
		Keys *[]jsontext.RawValue `json:"keys"`
	}
	if err := jsontext.Decode(data, &set); err != nil {
		return nil, fmt.Errorf("this is no JWKS: %w", err)
	}
	if set.Keys == nil {
		return []jsontext.RawValue{data}, nil
	}
	return *set.Keys, nil
}

func parseJWK(text []byte) (m jwkset.JWKMarshal, err error) {
	if err := jsontext.Decode(text, &m); err != nil {
		return m, fmt.Errorf("this is no JWK: %w", err)
	}
	return m, nil
}

// open makes a key of a JWK. Secrets are only taken where they may be.
func open(m jwkset.JWKMarshal, secrets bool) (found, error) {
	if m.USE != "" && m.USE != jwkset.UseSig {
		return found{}, fmt.Errorf("its use is %q, not sig", m.USE)
	}
	if m.KTY == jwkset.KtyOct && !secrets {
		return found{}, errors.New("a secret is not to be shown to the world")
	}
	m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", "" // certificates do not count
	k, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: m.KTY == jwkset.KtyOct}, jwkset.JWKValidateOptions{})
	if err != nil {
		return found{}, err
	}
	f := found{id: m.KID, algorithm: string(m.ALG), material: k.Key()}
	switch material := f.material.(type) {
	case []byte:
		f.material = secret(material)
	case *rsa.PublicKey:
		if material.E < 3 || material.E%2 == 0 {
			return found{}, errors.New("its exponent is no good")
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return found{}, errors.New("it is no key for signatures")
	}
	return f, nil
}
