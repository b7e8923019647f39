package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	scheme   = "CredSSP"
	protocol = "application/HTTP-CredSSP-session-encrypted"
	soap     = "application/soap+xml;charset=UTF-8"
	// A body longer than this goes in several parts, each one TLS record ([MS-WSMV] 2.2.9.1.3).
	partSize = 16384
	mostBody = 16 << 20
)

var (
	errUnauthorized = errors.New("the server answered 401 to the logon")
	boundary        = []byte("--Encrypted Boundary\r\n")
	closing         = []byte("--Encrypted Boundary--\r\n")
	octets          = []byte("\tContent-Type: application/octet-stream\r\n")
	original        = regexp.MustCompile(`OriginalContent: *type=[^\r\n]*;Length=([0-9]{1,9})\r\n`)
	octetStream     = regexp.MustCompile(`^[ \t]*Content-Type: application/octet-stream\r\n`)
)

// transport posts envelopes over the one connection that the logon is for.
type transport struct {
	ctx        context.Context
	client     *http.Client
	endpoint   *url.URL
	security   *security
	connection net.Conn
	moved      bool
}

func newTransport(ctx context.Context, endpoint *url.URL, security *security) *transport {
	t := &transport{endpoint: endpoint, security: security}
	t.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		t.moved = t.connection != nil && t.connection != got.Conn
		t.connection = got.Conn
	}})
	// No proxy: it would share its connections among clients, and the logon with them.
	t.client = &http.Client{
		Transport:     &http.Transport{MaxConnsPerHost: 1, DisableCompression: true, IdleConnTimeout: 2 * time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return t
}

// logOn makes the handshake: each token goes out in an Authorization, and the answer's comes in a WWW-Authenticate.
func (t *transport) logOn() error {
	answer, err := t.exchange("", "", nil)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: %w", t.endpoint, err)
	}
	if _, offered, _ := challenge(answer.header); answer.status != http.StatusUnauthorized || !offered {
		return fmt.Errorf("%s answers %d and offers %q, not CredSSP; on Windows an administrator turns it on there with "+
			"Enable-WSManCredSSP -Role Server", t.endpoint, answer.status, answer.header.Values("WWW-Authenticate"))
	}
	// Only the connection that the first token goes over counts.
	t.connection = nil
	var token []byte
	for {
		said, done, err := t.security.leg(token)
		if err != nil {
			t.tell(err)
			return err
		}
		answer, err := t.exchange(authorization(said), "", nil)
		if err != nil {
			return err
		}
		if t.moved {
			return errors.New("the server closed the connection in the middle of the logon")
		}
		if done && answer.status == http.StatusOK {
			return nil
		}
		if answer.status != http.StatusUnauthorized {
			return fmt.Errorf("the server answered %d in the middle of the logon", answer.status)
		}
		if token, err = next(answer.header, said, done); err != nil {
			return err
		}
	}
}

// next is the token that the server answered with. It may be empty once, where the server has nothing to say to the end of
// the TLS handshake (records 20 and 22), and is a refusal elsewhere.
func next(header http.Header, said []byte, done bool) ([]byte, error) {
	token, offered, err := challenge(header)
	if err != nil {
		return nil, err
	}
	silent := len(token) == 0 && !(len(said) > 0 && (said[0] == 20 || said[0] == 22))
	if done || !offered || silent {
		return nil, errUnauthorized
	}
	return token, nil
}

// tell sends the server the alert of a leg that failed, so that it need not wait for more.
func (t *transport) tell(err error) {
	var refused *refusal
	if errors.As(err, &refused) && len(refused.token) > 0 {
		t.exchange(authorization(refused.token), "", nil)
	}
}

// post seals an envelope, sends it and opens the answer.
func (t *transport) post(envelope []byte) ([]byte, int, error) {
	kind, body, err := t.sealed(envelope)
	if err != nil {
		return nil, 0, err
	}
	answer, err := t.exchange("", kind, body)
	if err != nil {
		return nil, 0, err
	}
	if t.moved || answer.status == http.StatusUnauthorized {
		return nil, 0, errors.New("the server closed the connection that the logon was for; run the command again")
	}
	if !strings.HasPrefix(answer.header.Get("Content-Type"), "multipart/") {
		return nil, 0, fmt.Errorf("the server answered %d without encryption; its event log (Windows Remote Management) says why", answer.status)
	}
	opened, err := t.opened(answer.body)
	return opened, answer.status, err
}

func (t *transport) sealed(plain []byte) (kind string, body []byte, err error) {
	kind = "multipart/encrypted"
	if len(plain) > partSize {
		kind = "multipart/x-multi-encrypted"
	}
	for len(plain) > 0 {
		chunk := plain[:min(partSize, len(plain))]
		plain = plain[len(chunk):]
		record, trailer, err := t.security.seal(chunk)
		if err != nil {
			return "", nil, err
		}
		body = append(body, boundary...)
		body = fmt.Appendf(body, "\tContent-Type: %s\r\n\tOriginalContent: type=%s;Length=%d\r\n", protocol, soap, len(chunk))
		body = append(append(body, boundary...), octets...)
		body = append(binary.LittleEndian.AppendUint32(body, uint32(trailer)), record...)
	}
	return fmt.Sprintf(`%s;protocol="%s";boundary="Encrypted Boundary"`, kind, protocol), append(body, closing...), nil
}

func (t *transport) opened(body []byte) (plain []byte, err error) {
	parts, whole := bytes.CutSuffix(body, closing)
	pieces := bytes.Split(parts, boundary)
	if !whole || len(pieces) < 3 || len(pieces)%2 == 0 || len(pieces[0]) > 0 {
		return nil, errors.New("the server's encrypted answer is not laid out as multipart/encrypted is, or it was cut")
	}
	for at := 1; at < len(pieces); at += 2 {
		said := original.FindSubmatch(pieces[at])
		head := len(octetStream.Find(pieces[at+1])) + 4
		if said == nil || head == 4 || len(pieces[at+1]) <= head {
			return nil, errors.New("a part of the server's encrypted answer lacks its headers")
		}
		chunk, err := t.security.open(pieces[at+1][head:])
		if err != nil {
			return nil, err
		}
		if length, _ := strconv.Atoi(string(said[1])); length != len(chunk) {
			return nil, fmt.Errorf("a part of the server's encrypted answer holds %d bytes and says %d", len(chunk), length)
		}
		plain = append(plain, chunk...)
	}
	return plain, nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (t *transport) exchange(authorization, kind string, body []byte) (*answer, error) {
	request, err := http.NewRequestWithContext(t.ctx, http.MethodPost, t.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	// Read to its end, for only then the connection is free for the next request.
	said, err := io.ReadAll(io.LimitReader(response.Body, mostBody))
	return &answer{response.StatusCode, response.Header, said}, err
}

func authorization(token []byte) string {
	return strings.TrimSpace(scheme + " " + base64.StdEncoding.EncodeToString(token))
}

// challenge is the token of the CredSSP challenge, and whether there is one.
func challenge(header http.Header) (token []byte, offered bool, err error) {
	for _, line := range header.Values("WWW-Authenticate") {
		for _, each := range strings.Split(line, ",") {
			name, coded, _ := strings.Cut(strings.TrimSpace(each), " ")
			if strings.EqualFold(name, scheme) {
				if token, err = base64.StdEncoding.DecodeString(strings.TrimSpace(coded)); err != nil {
					err = errors.New("the server's CredSSP token is no base64")
				}
				return token, true, err
			}
		}
	}
	return nil, false, nil
}
