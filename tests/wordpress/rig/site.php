<?php
/**
 * A real WordPress for the tests: MariaDB, PHP-FPM and nginx in a private folder, the plugin installed and activated.
 *
 *     php site.php FOLDER PORT PLUGIN
 *
 * Prints one line of JSON when the site can be used, then keeps everything running until it is asked to end (SIGTERM, SIGINT) or its
 * parent is gone. Nothing is left behind but the folder. It uses the system's programs and none of its services.
 */

declare( strict_types = 1 );

require __DIR__ . '/processes.php';

if ( 4 !== $argc ) {
	fwrite( STDERR, "usage: php site.php FOLDER PORT PLUGIN\n" );
	exit( 2 );
}
list( , $folder, $port, $plugin ) = $argv;
$port      = (int) $port;
$processes = new Processes( $folder );
if ( is_dir( $folder ) ) {
	$processes->run( array( 'rm', '-rf', $folder ) );
}
mkdir( $folder, 0755, true );
$folder = realpath( $folder );

// The database. --no-defaults: Debian's settings would point at the system's folders. Nothing is worth a flush here.
$socket = "/tmp/aurareels-$port.sock";
$data   = "$folder/data";
$processes->run( array( 'mariadb-install-db', '--no-defaults', '--user=' . posix_getpwuid( posix_getuid() )['name'], "--datadir=$data", '--auth-root-authentication-method=normal', '--skip-test-db' ) );
$database_port = free_port();
$processes->start(
	'mariadbd',
	array(
		is_file( '/usr/sbin/mariadbd' ) ? '/usr/sbin/mariadbd' : 'mariadbd',
		'--no-defaults',
		'--user=' . posix_getpwuid( posix_getuid() )['name'],
		"--datadir=$data",
		"--socket=$socket",
		"--pid-file=$folder/mariadb.pid",
		'--bind-address=127.0.0.1',
		"--port=$database_port",
		'--skip-log-bin',
		'--skip-name-resolve',
		'--innodb-flush-log-at-trx-commit=0',
		'--innodb-doublewrite=0',
	)
);
$password = bin2hex( random_bytes( 12 ) );
$root     = $processes->wait(
	'the database',
	static function () use ( $socket ) {
		mysqli_report( MYSQLI_REPORT_OFF );
		$root = @mysqli_connect( null, 'root', '', '', 0, $socket );
		return $root ? $root : null;
	}
);
foreach ( array( 'CREATE DATABASE site CHARACTER SET utf8mb4', "CREATE USER 'wp'@'127.0.0.1' IDENTIFIED BY '$password'", "GRANT ALL ON site.* TO 'wp'@'127.0.0.1'" ) as $sql ) {
	mysqli_query( $root, $sql ) || exit( 1 );
}
mysqli_close( $root );

// The files: Debian's WordPress, or another one. -L: some of Debian's are links into other packages.
$source    = getenv( 'WORDPRESS' ) ? getenv( 'WORDPRESS' ) : '/usr/share/wordpress';
$wordpress = "$folder/wp";
$processes->run( array( 'cp', '-rL', $source, $wordpress ) );
$processes->run( array( 'cp', '-r', $plugin, "$wordpress/wp-content/plugins/aurareels" ) );
is_dir( "$wordpress/wp-content/mu-plugins" ) || mkdir( "$wordpress/wp-content/mu-plugins" );
copy( __DIR__ . '/mu-plugin.php', "$wordpress/wp-content/mu-plugins/tests.php" );
// The page of the browser test.
mkdir( "$wordpress/test" );
foreach ( array( 'page.html', 'social-api.js', 'node_modules/axios/dist/axios.min.js' ) as $file ) {
	$from = __DIR__ . "/../browser/$file";
	is_file( $from ) && copy( $from, "$wordpress/test/" . basename( $file ) );
}
copy( __DIR__ . '/clock.inc', "$wordpress/wp-content/mu-plugins/tests-clock.inc" );
$url    = "http://127.0.0.1:$port";
$secret = 'what the JWT plugin of the test site signs with';
$n8n    = 'what n8n shows to the test site';
$config = "<?php\n";
foreach ( array(
	'DB_NAME'                   => 'site',
	'DB_USER'                   => 'wp',
	'DB_PASSWORD'               => $password,
	'DB_HOST'                   => "127.0.0.1:$database_port",
	'DB_CHARSET'                => 'utf8mb4',
	'DB_COLLATE'                => '',
	'JWT_AUTH_SECRET_KEY'       => $secret,
	'N8N_API_KEY'               => $n8n,
	'WP_HOME'                   => $url,
	'WP_SITEURL'                => $url,
	'WP_ENVIRONMENT_TYPE'       => 'local',
	'WP_DEBUG_DISPLAY'          => false,
	'WP_DEBUG_LOG'              => "$folder/debug.log",
	'DISABLE_WP_CRON'           => true,
	'AUTOMATIC_UPDATER_DISABLED' => true,
	'WP_HTTP_BLOCK_EXTERNAL'    => true,
	'WP_ACCESSIBLE_HOSTS'       => '127.0.0.1,localhost',
) as $name => $value ) {
	$config .= "define( '$name', " . var_export( $value, true ) . " );\n";
}
foreach ( array( 'AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT' ) as $name ) {
	$config .= "define( '$name', '" . bin2hex( random_bytes( 32 ) ) . "' );\n";
}
// Everything is told, but for requests whose cost is measured: those run as sites that people visit.
$config .= "define( 'WP_DEBUG', empty( \$_SERVER['HTTP_X_TEST_QUIET'] ) );\n";
// Processes that say so see another site in the same database, alone or as a network: rig/lifecycle.php.
$config .= "\$table_prefix = getenv( 'TEST_PREFIX' ) ? getenv( 'TEST_PREFIX' ) : 'wp_';\nif ( getenv( 'TEST_NETWORK' ) ) {\n";
foreach ( array(
	'MULTISITE'            => true,
	'SUBDOMAIN_INSTALL'    => false,
	'DOMAIN_CURRENT_SITE'  => "127.0.0.1:$port",
	'PATH_CURRENT_SITE'    => '/',
	'SITE_ID_CURRENT_SITE' => 1,
	'BLOG_ID_CURRENT_SITE' => 1,
) as $name => $value ) {
	$config .= "\tdefine( '$name', " . var_export( $value, true ) . " );\n";
}
$config .= "}\ndefined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );\nrequire_once ABSPATH . 'wp-settings.php';\n";
file_put_contents( "$wordpress/wp-config.php", $config );

// The site.
$about = json_decode( $processes->run( array( PHP_BINARY, __DIR__ . '/install.php', $wordpress, $url ) ), true );

// PHP-FPM and nginx.
$nginx = is_file( '/usr/sbin/nginx' ) ? '/usr/sbin/nginx' : 'nginx';
$fpm   = glob( '/usr/sbin/php-fpm*' )[0] ?? 'php-fpm';
$pool  = "/tmp/aurareels-fpm-$port.sock";
$root  = 0 === posix_getuid() ? "user = root\ngroup = root\n" : '';
file_put_contents(
	"$folder/fpm.conf",
	"[global]\nerror_log = $folder/fpm.log\ndaemonize = no\n[site]\n{$root}listen = $pool\npm = static\n" .
	"pm.max_children = 4\ncatch_workers_output = yes\nphp_admin_value[opcache.enable] = 1\nphp_admin_value[opcache.revalidate_freq] = 2\n" .
	"php_admin_value[error_log] = $folder/php.log\nphp_admin_value[post_max_size] = 16M\nphp_admin_value[sys_temp_dir] = $folder\n"
);
$processes->start( 'php-fpm', array_merge( array( $fpm, '-F', '-y', "$folder/fpm.conf" ), 0 === posix_getuid() ? array( '-R' ) : array() ) );
foreach ( array( 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi' ) as $name ) {
	mkdir( "$folder/nginx-$name" );
}
$user = 0 === posix_getuid() ? "user root;\n" : '';
file_put_contents(
	"$folder/nginx.conf",
	"daemon off;\n{$user}worker_processes 1;\npid $folder/nginx.pid;\nerror_log $folder/nginx.log warn;\nevents {}\nhttp {\n" .
	"  types { text/html html; text/css css; application/javascript js; }\n  access_log off;\n  client_max_body_size 16m;\n" .
	"  client_body_temp_path $folder/nginx-body;\n  proxy_temp_path $folder/nginx-proxy;\n  fastcgi_temp_path $folder/nginx-fastcgi;\n" .
	"  uwsgi_temp_path $folder/nginx-uwsgi;\n  scgi_temp_path $folder/nginx-scgi;\n" .
	"  server {\n    listen 127.0.0.1:$port;\n    root $wordpress;\n    index index.php;\n" .
	"    location / { try_files \$uri \$uri/ /index.php?\$args; }\n" .
	"    location ~ \\.php\$ {\n      include /etc/nginx/fastcgi_params;\n      fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;\n" .
	"      fastcgi_pass unix:$pool;\n      fastcgi_read_timeout 90s;\n    }\n  }\n}\n"
);
$processes->start( 'nginx', array( $nginx, '-e', "$folder/nginx.log", '-c', "$folder/nginx.conf" ) );
$processes->wait(
	'the site',
	static function () use ( $url ) {
		return @file_get_contents( "$url/wp-json/" ) ? true : null;
	}
);
$about += array(
	'url'        => $url,
	'folder'     => $folder,
	'wordpress'  => $wordpress,
	'jwt_secret' => $secret,
	'n8n_key'    => $n8n,
	'debug_log'  => "$folder/debug.log",
	'php_log'    => "$folder/php.log",
);
echo json_encode( $about, JSON_UNESCAPED_SLASHES ), "\n";
$processes->stay( array( $socket, $pool ) );
