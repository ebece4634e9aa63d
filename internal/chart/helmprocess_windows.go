package chart

import (
	"os/exec"
	"syscall"
)

// detach gives helm a process group of its own, which Ctrl-C does not reach.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate sends Ctrl-Break to helm's group, which Go's programs take for an
// interrupt. It needs a console: without one there is an error.
func terminate(cmd *exec.Cmd) error {
	send := syscall.NewLazyDLL("kernel32.dll").NewProc("GenerateConsoleCtrlEvent")
	if err := send.Find(); err != nil {
		return err
	}
	if ok, _, err := send.Call(syscall.CTRL_BREAK_EVENT, uintptr(cmd.Process.Pid)); ok == 0 {
		return err
	}
	return nil
}

// kill ends helm.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // an error says that it is gone
}
