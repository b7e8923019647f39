// Smoke drives one Schannel initiator through the service with nothing but stubs made from the protos:
//
//	smoke TARGET HOST PORT
//
// shakes hands with the TLS server at HOST:PORT, sends it a line, reads one back, says goodbye and prints what was negotiated.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	sspi "smoke/sspi/v1"
)

const received = 65536

// conversation is one context, the connection to its peer and what came from there and is not used yet.
type conversation struct {
	ctx        context.Context
	contexts   sspi.ContextServiceClient
	messages   sspi.MessageServiceClient
	credential *sspi.CredentialHandle
	handle     *sspi.ContextHandle
	host       string
	peer       net.Conn
	pending    []byte
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: smoke TARGET HOST PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(target, host, port string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	service, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer service.Close()
	credentials := sspi.NewCredentialServiceClient(service)
	acquired, err := credentials.AcquireCredentialsHandle(ctx, &sspi.AcquireCredentialsHandleRequest{
		PackageName: "Schannel",
		Use:         sspi.CredentialUse_CREDENTIAL_USE_OUTBOUND,
		AuthData:    &sspi.AuthData{Kind: &sspi.AuthData_Anonymous{Anonymous: &sspi.AnonymousIdentity{}}},
	})
	if err != nil {
		return err
	}
	if err := failure(acquired.Result); err != nil {
		return err
	}
	defer credentials.FreeCredentialsHandle(ctx, &sspi.FreeCredentialsHandleRequest{Credential: acquired.Credential})
	peer, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 10*time.Second)
	if err != nil {
		return err
	}
	defer peer.Close()
	return talk(&conversation{
		ctx: ctx, contexts: sspi.NewContextServiceClient(service), messages: sspi.NewMessageServiceClient(service),
		credential: acquired.Credential, host: host, peer: peer,
	})
}

func talk(c *conversation) error {
	defer func() {
		if c.handle != nil {
			c.contexts.DeleteSecurityContext(c.ctx, &sspi.DeleteSecurityContextRequest{Context: c.handle})
		}
	}()
	if err := c.handshake(); err != nil {
		return err
	}
	info, err := c.contexts.QueryContextAttributes(c.ctx, &sspi.QueryContextAttributesRequest{
		Context: c.handle, Attribute: sspi.ContextAttribute_SECPKG_ATTR_CONNECTION_INFO,
	})
	if err != nil {
		return err
	}
	if err := failure(info.Result); err != nil {
		return err
	}
	fmt.Println("protocol", info.Value.GetConnectionInfo().Protocol)
	if err := c.send([]byte("hello\n")); err != nil {
		return err
	}
	line, err := c.receiveLine()
	if err != nil {
		return err
	}
	fmt.Printf("received %s", line)
	return c.shutdown()
}

// handshake makes every leg: the token of each goes out whatever its status, EXTRA bytes are used before more are read.
func (c *conversation) handshake() error {
	status, err := c.leg(nil)
	for err == nil && status != sspi.SecurityStatus_SEC_E_OK {
		if len(c.pending) == 0 || status == sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE {
			if err = c.receive(); err != nil {
				break
			}
		}
		status, err = c.leg(c.pending)
	}
	return err
}

func (c *conversation) leg(token []byte) (sspi.SecurityStatus, error) {
	request := &sspi.InitializeSecurityContextRequest{
		Credential: c.credential,
		Context:    c.handle,
		TargetName: c.host,
		Flags: []sspi.ContextFlag{
			sspi.ContextFlag_CONTEXT_FLAG_ALLOCATE_MEMORY, sspi.ContextFlag_CONTEXT_FLAG_EXTENDED_ERROR,
			sspi.ContextFlag_CONTEXT_FLAG_CONFIDENTIALITY, sspi.ContextFlag_CONTEXT_FLAG_STREAM,
		},
	}
	if c.handle != nil {
		request.Input = []*sspi.SecurityBuffer{
			{Type: sspi.SecurityBufferType_SECBUFFER_TOKEN, Data: token}, {Type: sspi.SecurityBufferType_SECBUFFER_EMPTY},
		}
	}
	reply, err := c.contexts.InitializeSecurityContext(c.ctx, request)
	if err != nil {
		return 0, err
	}
	if reply.Context != nil {
		c.handle = reply.Context
	}
	if out := find(reply.Output, sspi.SecurityBufferType_SECBUFFER_TOKEN); len(out.GetData()) > 0 {
		if _, err := c.peer.Write(out.Data); err != nil {
			return 0, err
		}
	}
	if reply.Result.GetStatus() != sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE {
		c.keepExtra(reply.Input)
	}
	return reply.Result.GetStatus(), failure(reply.Result)
}

func (c *conversation) send(data []byte) error {
	reply, err := c.messages.EncryptMessage(c.ctx, &sspi.EncryptMessageRequest{
		Context: c.handle,
		Message: []*sspi.SecurityBuffer{{Type: sspi.SecurityBufferType_SECBUFFER_DATA, Data: data}},
	})
	if err != nil {
		return err
	}
	if err := failure(reply.Result); err != nil {
		return err
	}
	for _, buffer := range reply.Message {
		if _, err := c.peer.Write(buffer.Data); err != nil {
			return err
		}
	}
	return nil
}

// receiveLine opens records until they held a line; what TLS 1.3 sends between them (tickets) is a leg.
func (c *conversation) receiveLine() ([]byte, error) {
	var line []byte
	for !bytes.HasSuffix(line, []byte("\n")) {
		if len(c.pending) == 0 {
			if err := c.receive(); err != nil {
				return nil, err
			}
		}
		reply, err := c.messages.DecryptMessage(c.ctx, &sspi.DecryptMessageRequest{
			Context: c.handle,
			Message: []*sspi.SecurityBuffer{{Type: sspi.SecurityBufferType_SECBUFFER_DATA, Data: c.pending}},
		})
		if err != nil {
			return nil, err
		}
		switch reply.Result.GetStatus() {
		case sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE:
			err = c.receive()
		case sspi.SecurityStatus_SEC_I_CONTEXT_EXPIRED:
			err = errors.New("the peer said goodbye before its line was whole")
		case sspi.SecurityStatus_SEC_E_OK, sspi.SecurityStatus_SEC_I_RENEGOTIATE:
			line = append(line, find(reply.Message, sspi.SecurityBufferType_SECBUFFER_DATA).GetData()...)
			c.keepExtra(reply.Message)
			if reply.Result.GetStatus() == sspi.SecurityStatus_SEC_I_RENEGOTIATE {
				_, err = c.leg(c.pending)
			}
		default:
			err = failure(reply.Result)
		}
		if err != nil {
			return nil, err
		}
	}
	return line, nil
}

// shutdown sends close_notify: SCHANNEL_SHUTDOWN as a control token, then the leg whose token it is.
func (c *conversation) shutdown() error {
	order := binary.LittleEndian.AppendUint32(nil, 1)
	reply, err := c.contexts.ApplyControlToken(c.ctx, &sspi.ApplyControlTokenRequest{
		Context: c.handle,
		Input:   []*sspi.SecurityBuffer{{Type: sspi.SecurityBufferType_SECBUFFER_TOKEN, Data: order}},
	})
	if err != nil {
		return err
	}
	if err := failure(reply.Result); err != nil {
		return err
	}
	_, err = c.leg(nil)
	return err
}

func (c *conversation) receive() error {
	buffer := make([]byte, received)
	c.peer.SetReadDeadline(time.Now().Add(10 * time.Second))
	count, err := c.peer.Read(buffer)
	c.pending = append(c.pending, buffer[:count]...)
	if errors.Is(err, io.EOF) {
		return errors.New("the peer closed the connection")
	}
	return err
}

// keepExtra keeps the end of what was received that the call did not consume.
func (c *conversation) keepExtra(buffers []*sspi.SecurityBuffer) {
	left := int(find(buffers, sspi.SecurityBufferType_SECBUFFER_EXTRA).GetSize())
	c.pending = c.pending[max(0, len(c.pending)-left):]
}

func find(buffers []*sspi.SecurityBuffer, wanted sspi.SecurityBufferType) *sspi.SecurityBuffer {
	for _, buffer := range buffers {
		if buffer.Type == wanted {
			return buffer
		}
	}
	return nil
}

// failure tells the statuses a caller loops on from those that end it.
func failure(result *sspi.SecurityResult) error {
	switch result.GetStatus() {
	case sspi.SecurityStatus_SEC_E_OK, sspi.SecurityStatus_SEC_I_CONTINUE_NEEDED,
		sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE:
		return nil
	}
	return fmt.Errorf("%s (0x%08X): %s", result.GetStatus(), result.GetCode(), result.GetMessage())
}
