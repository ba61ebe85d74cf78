# Emacs 28, smtpmail.el in batch; says (system-name), or smtpmail-local-domain with it.
version() { emacs --version | awk 'NR==1{print $3}'; }
send() { local to=$1 from=$2; shift 2; local list=; for r in "$@"; do list="$list \"$r\""; done
    emacs -Q --batch --eval "(progn (require 'smtpmail) (setq smtpmail-smtp-server \"$to\" smtpmail-smtp-service 25 smtpmail-stream-type 'plain user-mail-address \"$from\" mail-host-address nil) ${HELO:+(defun smtpmail-fqdn () \"$HELO\")} (let ((e (with-temp-buffer (insert-file-contents \"$MSG\") (smtpmail-via-smtp (list$list) (current-buffer))))) (when e (kill-emacs 1))))" 2>/dev/null; }
