package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// maxProbeResult is more than the log of a Job that asks PostgreSQL has.
const maxProbeResult = 4 << 20

// probeResult reads what such a Job wrote; nil without --probe-result.
func (a *app) probeResult(f *flags) (data []byte, err error) {
	switch f.probeResult {
	case "":
		return nil, nil
	case "-":
		if data, err = io.ReadAll(io.LimitReader(a.In, maxProbeResult)); err != nil {
			return nil, usage("--probe-result -: %v", err)
		}
	default:
		if data, err = readGiven("--probe-result", f.probeResult); err != nil {
			return nil, err
		}
	}
	if len(data) == 0 {
		return nil, usage("--probe-result %q: there is nothing in it", f.probeResult)
	}
	return data, nil
}

// printJob writes the Job to stdout, so that it can be piped to kubectl, and the
// commands around it to stderr.
func (a *app) printJob(ctx context.Context, s *wizard.Session) error {
	job, why, err := s.SettledJob(ctx)
	if err != nil {
		return err
	}
	if why != "" {
		return usage("--probe-job: %s", why)
	}
	for _, c := range job.Before {
		fmt.Fprintf(a.err, "# first, so that the Job has the password:\n%s\n", c)
	}
	fmt.Fprintf(a.err, "# then this Job, which is on stdout:\n%s-\n# at last:\n", job.Apply)
	for _, c := range job.After {
		fmt.Fprintln(a.err, c)
	}
	fmt.Fprintf(a.err, "# and the same command with --probe-result %s in place of --probe-job\n", steps.JobResultFile)
	_, err = a.out.Write(job.Manifest)
	return err
}

// jobFile is where the screen writes the Job, in the working directory.
const jobFile = "backstage-setup-probe.yaml"

// saveJob writes the Job's manifest. It holds no secret; what somebody has changed
// in it is written anew.
func (a *app) saveJob(manifest []byte) (string, error) {
	snapshot, err := file.Read(jobFile)
	if err != nil {
		return "", err
	}
	if snapshot.Exists && !bytes.HasPrefix(snapshot.Bytes, manifest[:bytes.IndexByte(manifest, '\n')]) {
		return "", fmt.Errorf("%s is there, and is not such a Job: rename it", jobFile)
	}
	return jobFile, snapshot.Replace(manifest, file.Options{Mode: 0o644})
}
