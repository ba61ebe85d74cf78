// A Java program's mailer on JavaMail. Arguments: server, helo, from, subject, body, tls, recipients.
import java.util.Properties;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;

public class Send {
    public static void main(String[] a) {
        Properties p = new Properties();
        p.put("mail.smtp.host", a[0]);
        if (!a[1].isEmpty()) p.put("mail.smtp.localhost", a[1]);
        p.put("mail.smtp.starttls.enable", a[5].equals("on"));
        p.put("mail.smtp.ssl.trust", "*");
        p.put("mail.smtp.sendpartial", "true");
        try {
            MimeMessage m = new MimeMessage(Session.getInstance(p));
            m.setFrom(new InternetAddress(a[2]));
            for (int i = 6; i < a.length; i++) m.addRecipient(Message.RecipientType.TO, new InternetAddress(a[i]));
            m.setSubject(a[3]);
            m.setText(a[4]);
            Transport.send(m);
        } catch (Exception e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
