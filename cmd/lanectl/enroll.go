package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/evidence/sqlog"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/wire/identity"
	"lanewarden/sync/wire/layout"
)

const (
	// defaultLaneFile is the lane file of an installed agent.
	defaultLaneFile = "/etc/lanewarden/lane.yaml"
	enrolTimeout    = 30 * time.Second
)

// enrollCommand gets this box its certificate, for a code that lanehub ca invite made. The key is made here and stays
// here. The same command may be given again after whatever went wrong.
func enrollCommand() *cobra.Command {
	var hub, lane string
	var force bool
	c := &cobra.Command{
		Use: "enroll CODE", Short: "help.enroll", Long: "help.enroll.long", Args: cobra.MinimumNArgs(1),
		Example: "  sudo lanectl enroll --hub https://hub.example:8490 BCDF-GHJK-MNPR-TWXZ-BCDF-GHJK-MNPR-TWXZ",
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := identity.ParseCode(strings.Join(args, "-"))
			if err != nil {
				return cli.Usage(err)
			}
			e, err := newEnrolment(lane, hub)
			if err != nil {
				return err
			}
			if err := e.run(cmd.Context(), code, force); err != nil {
				return err
			}
			p := cli.Print(cmd)
			p.Say("lanectl.enrolled", message.String("agent", e.name), message.String("cert", e.files.Cert),
				message.String("key", e.files.Key), message.String("ca", e.caFile), message.String("lane", lane))
			if e.brought {
				p.Say("lanectl.enrolled-root", message.String("file", e.root))
			}
			return nil
		},
	}
	c.Flags().StringVar(&hub, "hub", "", "help.flag.hub")
	c.Flags().StringVar(&lane, "lane", defaultLaneFile, "help.flag.lane-file")
	c.Flags().BoolVar(&force, "force", false, "help.flag.enroll-force")
	cli.Need(c, "hub")
	return c
}

// enrolment is what one box asks of one hub.
type enrolment struct {
	hub    *url.URL
	name   string // SITE/AGENT
	files  identity.Files
	caFile string
	root   string // file of the root of trust; "" where the lane file names none
	// brought reports that the root of trust came with the certificate.
	brought bool
}

// newEnrolment reads the lane file: who this is, and where certificate, key and authority belong.
func newEnrolment(lane, hub string) (*enrolment, error) {
	u, err := url.Parse(hub)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, cli.Usage(message.Errorf("enrol.hub-url", message.Quoted("url", hub)))
	}
	c, err := firmwareconfig.LoadWithoutFiles(lane, drivers.Catalog)
	if err != nil {
		return nil, err
	}
	up := c.Uplink
	if up == nil || up.CertFile == "" || up.KeyFile == "" || up.CAFile == "" {
		return nil, message.Errorf("enrol.no-files", message.String("lane", lane), message.String("state", c.Agent.StateDir))
	}
	return &enrolment{
		hub: u, name: c.Site.ID + "/" + c.Agent.ID, caFile: up.CAFile, root: up.Orders.Root,
		files: identity.Files{Cert: up.CertFile, Key: up.KeyFile},
	}, nil
}

// run asks for the certificate and writes the files. With force a pair that works is replaced.
func (e *enrolment) run(ctx context.Context, code identity.Code, force bool) error {
	if _, err := e.files.Load(); err == nil && !force {
		return message.Errorf("enrol.there-already", message.String("cert", e.files.Cert))
	}
	ctx, cancel := context.WithTimeout(ctx, enrolTimeout)
	defer cancel()
	ca, err := e.authority(ctx, code)
	if err != nil {
		return err
	}
	if err := e.checkCAFile(ca); err != nil {
		return err
	}
	for _, path := range []string{e.caFile, e.files.Cert, e.files.Key} {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
	}
	key, err := e.files.NextKey()
	if err != nil {
		return err
	}
	der, err := identity.Request(key, e.name)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	answer, err := hubapi.Enrol.Do(ctx, e.client(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}),
		hubapi.Enrolment{Invitation: code.ID, Secret: code.Secret, Request: identity.RequestPEM(der)})
	if err != nil {
		return explainHub(err)
	}
	cert, err := identity.ParseCertificatePEM([]byte(answer.Certificate))
	if err == nil {
		_, err = identity.Accept(cert.Raw, &key.PublicKey, e.name, roots, time.Now())
	}
	if err != nil {
		return err
	}
	if err := linefile.Replace(e.caFile, identity.CertificatePEM(ca.Raw), 0o644); err != nil {
		return err
	}
	if err := e.writeRoot([]byte(answer.Root)); err != nil {
		return err
	}
	return e.files.Replace(identity.CertificatePEM(cert.Raw))
}

// writeRoot writes the root of trust that came with the certificate, where the lane file names one. One that is there stays:
// it was brought by hand, and says more than the hub's word.
func (e *enrolment) writeRoot(text []byte) error {
	if e.root == "" || len(text) == 0 {
		return nil
	}
	if _, err := os.Lstat(e.root); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := layout.Guard("root", text); err != nil {
		return err
	}
	if err := makeFolder(filepath.Dir(e.root)); err != nil {
		return err
	}
	e.brought = true
	return linefile.Replace(e.root, text, 0o644)
}

// authority fetches the certificate of the hub's authority and holds it against the code. The connection is not
// verified, as there is nothing yet to verify it by: what is fetched is public, and nothing is sent.
func (e *enrolment) authority(ctx context.Context, code identity.Code) (*x509.Certificate, error) {
	client := e.client(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	body, err := hubapi.GetAuthority.Open(ctx, client, api.None{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 2*identity.MaxCertificate))
	if err != nil {
		return nil, err
	}
	ca, err := identity.ParseCertificatePEM(text)
	if err != nil {
		return nil, err
	}
	if identity.Fingerprint(ca) != code.Fingerprint {
		return nil, message.Errorf("enrol.other-hub", message.String("hub", e.hub.Host))
	}
	return ca, nil
}

// client returns a client of the hub that keeps no connection.
func (e *enrolment) client(config *tls.Config) *api.Client {
	return &api.Client{
		Base: "https://" + e.hub.Host,
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}},
	}
}

// explainHub replaces the error of a hub whose certificate is not of the authority that the code names.
func explainHub(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return message.Errorf("enrol.hub-certificate")
	}
	return err
}

// checkCAFile returns an error when the lane file's ca_file is there and is not of the hub's authority: it is not
// overwritten, as something else may need it.
func (e *enrolment) checkCAFile(ca *x509.Certificate) error {
	text, err := os.ReadFile(e.caFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if have, err := identity.ParseCertificatePEM(text); err != nil || !bytes.Equal(have.Raw, ca.Raw) {
		return message.Errorf("enrol.other-ca", message.String("file", e.caFile))
	}
	return nil
}

// makeFolder makes a folder that is missing, for its owner alone; run by root it belongs to whom the folder above
// belongs.
func makeFolder(dir string) error {
	if err := sqlog.MakeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return linefile.Adopt(dir)
}
