package httpsig

import (
	"net/http"
	"strings"

	"github.com/dunglas/httpsfv"
)

const (
	// maxHeader bounds Signature-Input, Signature and Content-Digest, each in bytes.
	maxHeader = 8 << 10
	// maxComponents bounds what one signature covers.
	maxComponents = 64
	// maxField bounds one covered field, in bytes.
	maxField = 16 << 10
	// maxBase bounds the signature base, in bytes.
	maxBase = 64 << 10
)

// signatureBase is what is signed (RFC 9421, section 2.5): a line for each component,
// and one with the parameters of the signature, which list is.
func signatureBase(r *http.Request, all []component, list httpsfv.InnerList) ([]byte, *Error) {
	params, err := httpsfv.Marshal(list)
	if err != nil {
		return nil, refuse(Malformed, "the parameters of the signature cannot be written").because(err)
	}
	var b []byte
	for i := range all {
		value, err := all[i].value(r)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, refuse(Component, "%s holds a line break", all[i].id)
		}
		b = append(append(append(b, all[i].id...), ": "...), value...)
		b = append(b, '\n')
		if len(b) > maxBase {
			return nil, refuse(TooLarge, "a signature covers at most %d bytes", maxBase)
		}
	}
	return append(append(b, `"@signature-params": `...), params...), nil
}
