package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	sspi "winrm/sspi/v1"
)

// security is one CredSSP context held by the service.
type security struct {
	ctx         context.Context
	connection  *grpc.ClientConn
	credentials sspi.CredentialServiceClient
	contexts    sspi.ContextServiceClient
	messages    sspi.MessageServiceClient
	credential  *sspi.CredentialHandle
	handle      *sspi.ContextHandle
	target      string
}

// refusal is a function that answered with a failing status; token is what the peer is still to be sent.
type refusal struct {
	result *sspi.SecurityResult
	token  []byte
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s (0x%08X): %s", r.result.GetStatus(), r.result.GetCode(), r.result.GetMessage())
}

// newSecurity hands the password over to the service; it is not looked at before the first leg.
func newSecurity(ctx context.Context, service, user, password, target string) (*security, error) {
	connection, err := grpc.NewClient(service, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return nil, err
	}
	s := &security{
		ctx: ctx, connection: connection, target: target,
		credentials: sspi.NewCredentialServiceClient(connection),
		contexts:    sspi.NewContextServiceClient(connection),
		messages:    sspi.NewMessageServiceClient(connection),
	}
	identity := &sspi.PasswordIdentity{User: user, Password: password}
	if domain, name, found := strings.Cut(user, `\`); found {
		identity.Domain, identity.User = domain, name
	}
	acquired, err := s.credentials.AcquireCredentialsHandle(ctx, &sspi.AcquireCredentialsHandleRequest{
		PackageName: "CredSSP",
		Use:         sspi.CredentialUse_CREDENTIAL_USE_OUTBOUND,
		AuthData: &sspi.AuthData{Kind: &sspi.AuthData_Credssp{Credssp: &sspi.CredSspCredential{
			Negotiate: &sspi.AuthData{Kind: &sspi.AuthData_Password{Password: identity}},
		}}},
	})
	if err == nil {
		err = failed(acquired.Result, nil)
	}
	if err != nil {
		connection.Close()
		if status.Code(err) == codes.Unavailable {
			return nil, fmt.Errorf("no service answers at %s; start it (sspid serve), or name it with -service: %w", service, err)
		}
		return nil, err
	}
	s.credential = acquired.Credential
	return s, nil
}

// close frees what the service holds.
func (s *security) close() {
	if s.handle != nil {
		s.contexts.DeleteSecurityContext(s.ctx, &sspi.DeleteSecurityContextRequest{Context: s.handle})
	}
	s.credentials.FreeCredentialsHandle(s.ctx, &sspi.FreeCredentialsHandleRequest{Credential: s.credential})
	s.connection.Close()
}

// leg calls InitializeSecurityContext with what the server sent, as often as that takes. Its token goes to the server even
// where it is empty: over HTTP the server speaks only when it is spoken to.
func (s *security) leg(token []byte) (answer []byte, done bool, err error) {
	for {
		reply, err := s.contexts.InitializeSecurityContext(s.ctx, s.request(token))
		if err != nil {
			return nil, false, err
		}
		if reply.Context != nil {
			s.handle = reply.Context
		}
		out := find(reply.Output, sspi.SecurityBufferType_SECBUFFER_TOKEN).GetData()
		if err := failed(reply.Result, out); err != nil {
			return nil, false, err
		}
		answer = append(answer, out...)
		extra := int(find(reply.Input, sspi.SecurityBufferType_SECBUFFER_EXTRA).GetSize())
		switch state := reply.Result.GetStatus(); {
		case state == sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE && len(token) > 0:
			return nil, false, errors.New("the server's token ends in the middle of a record")
		case state == sspi.SecurityStatus_SEC_I_CONTINUE_NEEDED && extra > 0:
			token = token[len(token)-extra:]
		default:
			return answer, state == sspi.SecurityStatus_SEC_E_OK, nil
		}
	}
}

func (s *security) request(token []byte) *sspi.InitializeSecurityContextRequest {
	request := &sspi.InitializeSecurityContextRequest{
		Credential: s.credential,
		Context:    s.handle,
		TargetName: s.target,
		Flags: []sspi.ContextFlag{
			// Without DELEGATE the server would get an empty credential.
			sspi.ContextFlag_CONTEXT_FLAG_DELEGATE,
			sspi.ContextFlag_CONTEXT_FLAG_ALLOCATE_MEMORY, sspi.ContextFlag_CONTEXT_FLAG_EXTENDED_ERROR,
			sspi.ContextFlag_CONTEXT_FLAG_CONFIDENTIALITY, sspi.ContextFlag_CONTEXT_FLAG_STREAM,
		},
	}
	if s.handle != nil {
		request.Input = []*sspi.SecurityBuffer{
			{Type: sspi.SecurityBufferType_SECBUFFER_TOKEN, Data: token}, {Type: sspi.SecurityBufferType_SECBUFFER_EMPTY},
		}
	}
	return request
}

// seal calls EncryptMessage with Windows' buffers, which say how long the record's trailer is.
func (s *security) seal(plain []byte) (record []byte, trailer int, err error) {
	reply, err := s.messages.EncryptMessage(s.ctx, &sspi.EncryptMessageRequest{
		Context: s.handle,
		Message: []*sspi.SecurityBuffer{
			{Type: sspi.SecurityBufferType_SECBUFFER_STREAM_HEADER},
			{Type: sspi.SecurityBufferType_SECBUFFER_DATA, Data: plain},
			{Type: sspi.SecurityBufferType_SECBUFFER_STREAM_TRAILER},
		},
	})
	if err == nil {
		err = failed(reply.Result, nil)
	}
	if err != nil {
		return nil, 0, err
	}
	for _, buffer := range reply.Message {
		record = append(record, buffer.Data...)
	}
	return record, len(find(reply.Message, sspi.SecurityBufferType_SECBUFFER_STREAM_TRAILER).GetData()), nil
}

// open calls DecryptMessage.
func (s *security) open(record []byte) ([]byte, error) {
	reply, err := s.messages.DecryptMessage(s.ctx, &sspi.DecryptMessageRequest{
		Context: s.handle,
		Message: []*sspi.SecurityBuffer{{Type: sspi.SecurityBufferType_SECBUFFER_DATA, Data: record}},
	})
	if err == nil {
		err = failed(reply.Result, nil)
	}
	if err != nil {
		return nil, err
	}
	if state := reply.Result.GetStatus(); state != sspi.SecurityStatus_SEC_E_OK {
		return nil, fmt.Errorf("the server's message is no whole TLS record (%s)", state)
	}
	return find(reply.Message, sspi.SecurityBufferType_SECBUFFER_DATA).GetData(), nil
}

func find(buffers []*sspi.SecurityBuffer, wanted sspi.SecurityBufferType) *sspi.SecurityBuffer {
	for _, buffer := range buffers {
		if buffer.Type == wanted {
			return buffer
		}
	}
	return nil
}

// failed tells the statuses a caller goes on with from those that end it.
func failed(result *sspi.SecurityResult, token []byte) error {
	switch result.GetStatus() {
	case sspi.SecurityStatus_SEC_E_OK, sspi.SecurityStatus_SEC_I_CONTINUE_NEEDED,
		sspi.SecurityStatus_SEC_E_INCOMPLETE_MESSAGE:
		return nil
	}
	return &refusal{result, token}
}

// spn is the service principal name that WinRM's passwords are delegated to.
func spn(host string) string { return "WSMAN/" + host }

// explained says what to do about a logon that failed.
func explained(err error, user, host string) error {
	var refused *refusal
	if errors.Is(err, errUnauthorized) {
		return fmt.Errorf("%s refused the logon of %s; check the name, the domain and the password, and that the account may log on there", host, user)
	}
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.result.GetStatus() {
	case sspi.SecurityStatus_SEC_E_LOGON_DENIED:
		return fmt.Errorf("%s refused the logon of %s; check the name, the domain and the password, and that the account may log on there: %w", host, user, err)
	case sspi.SecurityStatus_SEC_E_DELEGATION_POLICY, sspi.SecurityStatus_SEC_E_POLICY_NLTM_ONLY:
		return fmt.Errorf("the password of %s was not sent; have the operator of sspid list %q in allow_fresh of [policy.credssp], and "+
			"in allow_fresh_ntlm_only unless Kerberos proves the server: %w", user, spn(host), err)
	case sspi.SecurityStatus_SEC_E_WRONG_PRINCIPAL, sspi.SecurityStatus_SEC_E_MUTUAL_AUTH_FAILED:
		return fmt.Errorf("the password of %s was not sent; somebody may sit between here and %s, find out who answers there: %w", user, host, err)
	}
	return err
}
