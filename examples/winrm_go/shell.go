package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	shellNamespace = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	transfer       = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
	// OperationTimeout passed with nothing to say: the command is still at it ([MS-WSMV] 3.1.4.14).
	timedOut = 2150858793
)

// shell is a remote cmd.exe and its one command ([MS-WSMV] 3.1.4.5).
type shell struct {
	transport *transport
	id        string
}

// envelope is what may stand in an answer, each action's own.
type envelope struct {
	Body struct {
		Shell     string `xml:"Shell>ShellId"`
		Selectors []struct {
			Name  string `xml:"Name,attr"`
			Value string `xml:",chardata"`
		} `xml:"ResourceCreated>ReferenceParameters>SelectorSet>Selector"`
		Command string `xml:"CommandResponse>CommandId"`
		Receive struct {
			Streams []struct {
				Name string `xml:"Name,attr"`
				Data string `xml:",chardata"`
			} `xml:"Stream"`
			State struct {
				State    string `xml:"State,attr"`
				ExitCode int    `xml:"ExitCode"`
			} `xml:"CommandState"`
		} `xml:"ReceiveResponse"`
		Fault *fault `xml:"Fault"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

type fault struct {
	Reason string `xml:"Reason>Text"`
	Detail struct {
		Code uint64 `xml:"Code,attr"`
	} `xml:"Detail>WSManFault"`
}

func (f *fault) Error() string {
	return fmt.Sprintf("the server refused: %s (WS-Management error %d)", strings.TrimSpace(f.Reason), f.Detail.Code)
}

func createShell(transport *transport) (*shell, error) {
	s := &shell{transport: transport}
	body := "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>"
	created, err := s.ask(transfer+"/Create", options("WINRS_NOPROFILE", "TRUE", "WINRS_CODEPAGE", "65001"), body)
	if err != nil {
		return nil, err
	}
	s.id = created.Body.Shell
	for _, selector := range created.Body.Selectors {
		if selector.Name == "ShellId" {
			s.id = selector.Value
		}
	}
	if s.id == "" {
		return nil, fmt.Errorf("the server made a shell and does not say which")
	}
	return s, nil
}

// run starts the command and copies its output until it is done; returns its exit code.
func (s *shell) run(command string, arguments []string, stdout, stderr io.Writer) (int, error) {
	line := "<rsp:CommandLine><rsp:Command>" + escaped(command) + "</rsp:Command>"
	for _, argument := range arguments {
		line += "<rsp:Arguments>" + escaped(argument) + "</rsp:Arguments>"
	}
	begun, err := s.ask(shellNamespace+"/Command", options("WINRS_SKIP_CMD_SHELL", "FALSE"), line+"</rsp:CommandLine>")
	if err != nil {
		return 0, err
	}
	id := escaped(begun.Body.Command)
	code, err := s.receive(id, map[string]io.Writer{"stdout": stdout, "stderr": stderr})
	if err != nil {
		return 0, err
	}
	// Terminate says that the output was received; the server keeps it until then.
	signal := `<rsp:Signal CommandId="` + id + `"><rsp:Code>` + shellNamespace + "/signal/terminate</rsp:Code></rsp:Signal>"
	_, err = s.ask(shellNamespace+"/Signal", "", signal)
	return code, err
}

func (s *shell) receive(id string, streams map[string]io.Writer) (int, error) {
	wanted := `<rsp:Receive><rsp:DesiredStream CommandId="` + id + `">stdout stderr</rsp:DesiredStream></rsp:Receive>`
	for {
		answer, err := s.ask(shellNamespace+"/Receive", options("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE"), wanted)
		if refused, is := err.(*fault); is && refused.Detail.Code == timedOut {
			continue
		}
		if err != nil {
			return 0, err
		}
		for _, stream := range answer.Body.Receive.Streams {
			data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(stream.Data))
			if err != nil {
				return 0, fmt.Errorf("the server's %s is no base64", stream.Name)
			}
			if sink := streams[stream.Name]; sink != nil {
				if _, err := sink.Write(data); err != nil {
					return 0, err
				}
			}
		}
		if state := answer.Body.Receive.State; strings.HasSuffix(state.State, "/Done") {
			return state.ExitCode, nil
		}
	}
}

func (s *shell) delete() error {
	_, err := s.ask(transfer+"/Delete", "", "")
	return err
}

// ask posts one envelope and reads the answer; a SOAP fault is an error.
func (s *shell) ask(action, options, body string) (*envelope, error) {
	said, status, err := s.transport.post([]byte(s.envelope(action, options, body)))
	if err != nil {
		return nil, err
	}
	answer := &envelope{}
	if err := xml.Unmarshal(said, answer); err != nil {
		return nil, fmt.Errorf("the server answered %d with no envelope: %w", status, err)
	}
	if answer.Body.Fault != nil {
		return nil, answer.Body.Fault
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", status)
	}
	return answer, nil
}

func (s *shell) envelope(action, options, body string) string {
	selectors := ""
	if s.id != "" {
		selectors = `<w:SelectorSet><w:Selector Name="ShellId">` + escaped(s.id) + "</w:Selector></w:SelectorSet>"
	}
	return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"` +
		` xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="` + shellNamespace + `"><s:Header>` +
		"<a:To>" + escaped(s.transport.endpoint.String()) + "</a:To>" +
		`<a:ReplyTo><a:Address s:mustUnderstand="true">` +
		"http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>" +
		`<a:Action s:mustUnderstand="true">` + action + "</a:Action><a:MessageID>uuid:" + newUUID() + "</a:MessageID>" +
		`<w:ResourceURI s:mustUnderstand="true">` + shellNamespace + "/cmd</w:ResourceURI>" + selectors + options +
		`<w:MaxEnvelopeSize s:mustUnderstand="true">153600</w:MaxEnvelopeSize><w:OperationTimeout>PT20S</w:OperationTimeout>` +
		`<w:Locale xml:lang="en-US" s:mustUnderstand="false"/></s:Header><s:Body>` + body + "</s:Body></s:Envelope>"
}

func options(pairs ...string) string {
	set := ""
	for at := 0; at < len(pairs); at += 2 {
		set += `<w:Option Name="` + pairs[at] + `">` + pairs[at+1] + "</w:Option>"
	}
	return "<w:OptionSet>" + set + "</w:OptionSet>"
}

func escaped(text string) string {
	var out bytes.Buffer
	xml.EscapeText(&out, []byte(text))
	return out.String()
}

// newUUID is a random one (RFC 9562 5.4).
func newUUID() string {
	var random [16]byte
	rand.Read(random[:])
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}
