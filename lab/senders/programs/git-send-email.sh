# git send-email: Perl's Net::SMTP with --smtp-domain.
version() { /usr/bin/git --version | awk '{print $3}'; }
setup() { mkdir -p /root/repo; cd /root/repo; /usr/bin/git init -q; /usr/bin/git config user.email "$FROM"; /usr/bin/git config user.name Dev; }
send() { local to=$1 from=$2; shift 2; local list=(); for r in "$@"; do list+=(--to "$r"); done
    cd /root/repo; { echo "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001"; echo "From: Dev <$from>"; echo "Subject: [PATCH] $SUBJECT"; echo; echo "$BODY"; } > p.patch
    /usr/bin/git send-email -q --confirm=never --suppress-cc=all --from "$from" --smtp-server "$to" --smtp-server-port 25 ${HELO:+--smtp-domain "$HELO"} "${list[@]}" p.patch; }
