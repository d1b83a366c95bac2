package wire

// CloseCode is a WebSocket close code (RFC 6455 section 7.4, and the 4400 range of
// the protocol).
type CloseCode int

// The close codes that Dashwire uses.
const (
	CloseNormal      CloseCode = 1000
	CloseGoingAway   CloseCode = 1001
	CloseProtocol    CloseCode = 1002 // frame error
	CloseUnsupported CloseCode = 1003 // binary message
	CloseNoStatus    CloseCode = 1005 // never sent: the close frame was empty
	CloseAbnormal    CloseCode = 1006 // never sent: the connection broke
	CloseInvalidUTF8 CloseCode = 1007
	ClosePolicy      CloseCode = 1008 // too slow a frame, too many control frames
	CloseTooLarge    CloseCode = 1009
	CloseRestart     CloseCode = 1012 // reconnect
	CloseOverloaded  CloseCode = 1013 // reconnect later
	CloseBadMessages CloseCode = 4400
	CloseSignIn      CloseCode = 4401
	CloseForbidden   CloseCode = 4403
	CloseHeartbeat   CloseCode = 4408
	CloseReplaced    CloseCode = 4409
	CloseStalled     CloseCode = 4413
	CloseSlowDown    CloseCode = 4429
	CloseInternal    CloseCode = 4500
)
